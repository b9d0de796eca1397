extension Expression {
  /// Turns a tree into instructions.
  struct Compiler {
    /// What is still to be done, from the end: a node to compile, an instruction to append, a label to place.
    ///
    /// A list rather than recursion: a sum of a thousand terms is a tree a thousand deep.
    private enum Work {
      case node(Int)
      case operation(Operation)
      /// An instruction that goes to a label.
      case jump(Operation, label: Int)
      case place(label: Int)
    }

    private var work: [Work] = []
    private(set) var instructions: [Instruction] = []
    /// The instruction that each label stands before.
    private var labels: [Int] = []
    /// Instructions before this one may not be merged with those after it: a jump leads here.
    private var barrier = 0
    private var height = 0
    private(set) var stackSize = 1

    init(_ tree: Tree) {
      work = [.node(tree.nodes.count - 1)]
      while let item = work.popLast() {
        switch item {
        case .node(let number): expand(tree.nodes[number])
        case .operation(let operation): emit(operation)
        case .jump(let operation, let label):
          // The label's number until its place is known.
          append(Instruction(operation: operation, target: Int32(truncatingIfNeeded: label)))
        case .place(let label):
          labels[label] = instructions.count
          barrier = instructions.count
        }
      }
      for index in instructions.indices {
        switch instructions[index].operation {
        case .jump, .jumpIfFalse, .andJump, .orJump, .chainJump:
          instructions[index].target = Int32(truncatingIfNeeded: labels[Int(instructions[index].target)])
        default: break
        }
      }
    }

    private mutating func expand(_ node: Tree.Node) {
      switch node {
      case .number(let value), .constant(_, let value): append(Instruction(operation: .constant, value: value))
      case .step: append(Instruction(operation: .step))
      case .progress(let totalSteps): append(Instruction(operation: .progress, value: totalSteps))
      case .negate(let operand): schedule([.node(operand), .operation(.negate)])
      case .not(let operand): schedule([.node(operand), .operation(.not)])
      case .binary(let symbol, let left, let right):
        schedule([.node(left), .node(right), .operation(symbol.operation)])
      case .and(let left, let right): expandLogic(.andJump, left, right)
      case .or(let left, let right): expandLogic(.orJump, left, right)
      case .conditional(let condition, let value, let other): expandChoice(condition, value, other)
      case .call(.select, let arguments): expandChoice(arguments[0], arguments[1], arguments[2])
      case .call(let function, let arguments): expandCall(function, arguments)
      case .comparison(let operators, let operands): expandComparison(operators, operands)
      }
    }

    private mutating func expandLogic(_ jump: Operation, _ left: Int, _ right: Int) {
      let end = label()
      schedule([.node(left), .jump(jump, label: end), .node(right), .place(label: end)])
    }

    private mutating func expandChoice(_ condition: Int, _ value: Int, _ other: Int) {
      let otherwise = label()
      let end = label()
      schedule([
        .node(condition), .jump(.jumpIfFalse, label: otherwise), .node(value), .jump(.jump, label: end),
        .place(label: otherwise), .node(other), .place(label: end),
      ])
    }

    private mutating func expandCall(_ function: Function, _ arguments: [Int]) {
      guard let operation = function.operation else { return }
      var items: [Work] = []
      for (index, argument) in arguments.enumerated() {
        items.append(.node(argument))
        if operation == .min || operation == .max, index > 0 { items.append(.operation(operation)) }
      }
      if operation != .min, operation != .max { items.append(.operation(operation)) }
      schedule(items)
    }

    private mutating func expandComparison(_ operators: [Operator], _ operands: [Int]) {
      let end = label()
      var items: [Work] = [.node(operands[0])]
      for (index, symbol) in operators.enumerated() {
        let isLast = index == operators.count - 1
        items.append(.node(operands[index + 1]))
        if !isLast { items.append(.operation(.keep)) }
        items.append(.operation(symbol.operation))
        if !isLast { items.append(.jump(.chainJump, label: end)) }
      }
      // A single comparison has no jump, and a label would stand in the way of folding it.
      if operators.count > 1 { items.append(.place(label: end)) }
      schedule(items)
    }

    private mutating func label() -> Int {
      labels.append(0)
      return labels.count - 1
    }

    private mutating func schedule(_ items: [Work]) { work += items.reversed() }

    private mutating func append(_ instruction: Instruction) {
      instructions.append(instruction)
      height += instruction.operation.growth
      stackSize = max(stackSize, height)
    }

    /// Appends an operation, or its result where its operands are constants, or one instruction for it and its operand
    /// where the second operand is a constant.
    private mutating func emit(_ operation: Operation) {
      guard let count = operation.operandCount else { return append(Instruction(operation: operation)) }
      let start = instructions.count - count
      if start >= barrier, instructions[start...].allSatisfy({ $0.operation == .constant }) {
        // By the machine itself, so that folding cannot change a value.
        let operands = Array(instructions[start...])
        let program = Program(instructions: operands + [Instruction(operation: operation)], stackSize: count)
        instructions.removeLast(count)
        height -= count
        return append(Instruction(operation: .constant, value: program.value(step: 0)))
      }
      if let last = instructions.last, last.operation == .constant, instructions.count > barrier {
        let merged: Instruction? =
          switch operation {
          case .add: Instruction(operation: .addConstant, value: last.value)
          // a − c is a + (−c) to the last bit, in IEEE arithmetic.
          case .subtract: Instruction(operation: .addConstant, value: -last.value)
          case .multiply: Instruction(operation: .multiplyConstant, value: last.value)
          case .divide: Instruction(operation: .divideConstant, value: last.value)
          default: nil
          }
        if let merged {
          instructions.removeLast()
          height -= 1
          return append(merged)
        }
      }
      append(Instruction(operation: operation))
    }
  }
}

extension Expression.Program {
  init(_ tree: Expression.Tree) {
    let compiler = Expression.Compiler(tree)
    self.init(instructions: compiler.instructions, stackSize: compiler.stackSize)
  }
}
