import Foundation

extension Expression {
  /// What one instruction does to the stack.
  enum Operation: UInt8 {
    /// Push: the instruction's value; the step; the step divided by the instruction's value.
    case constant, step, progress
    /// Replace the top.
    case negate, not
    case abs, atan, ceil, cos, exp, floor, log, log10, log2, round, sigmoid, sin, sqrt, tan, tanh
    /// Replace the top by itself and the instruction's value.
    case addConstant, multiplyConstant, divideConstant
    /// Replace the top two by one.
    case add, subtract, multiply, divide, floorDivide, remainder, power, min, max
    case less, lessOrEqual, greater, greaterOrEqual, equal, notEqual
    /// Replace the top three by one.
    case clip
    /// Go to the target: always; when the top, which is dropped, is 0.
    case jump, jumpIfFalse
    /// Go to the target with the top when it is 0, or is not 0; otherwise drop it.
    case andJump, orJump
    /// a, b → b, a, b: what a chain of comparisons needs twice.
    case keep
    /// b, c → b where the comparison c holds; otherwise b, c → 0, and go to the target.
    case chainJump

    /// How many values it computes its result from, where it is a function of them and nothing else; nil otherwise.
    var operandCount: Int? {
      switch self {
      case .negate, .not, .abs, .atan, .ceil, .cos, .exp, .floor, .log, .log10, .log2, .round, .sigmoid, .sin, .sqrt,
        .tan, .tanh, .addConstant, .multiplyConstant, .divideConstant:
        1
      case .add, .subtract, .multiply, .divide, .floorDivide, .remainder, .power, .min, .max, .less, .lessOrEqual,
        .greater, .greaterOrEqual, .equal, .notEqual:
        2
      case .clip: 3
      case .constant, .step, .progress, .jump, .jumpIfFalse, .andJump, .orJump, .keep, .chainJump: nil
      }
    }

    /// By how much the stack is higher for the instruction that follows it in the list.
    ///
    /// After an unconditional jump that is the start of the other branch, where the first branch's value is not there.
    var growth: Int {
      switch self {
      case .constant, .step, .progress, .keep: 1
      case .jump, .jumpIfFalse, .andJump, .orJump, .chainJump: -1
      default: 1 - (operandCount ?? 1)
      }
    }
  }

  struct Instruction: Equatable {
    var operation: Operation
    /// Where a jump goes: the number of an instruction.
    var target: Int32 = 0
    var value = 0.0

    /// The same to the last bit: a folded `0 / 0` is not a number, and still the same program.
    static func == (a: Self, b: Self) -> Bool {
      a.operation == b.operation && a.target == b.target && a.value.bitPattern == b.value.bitPattern
    }
  }

  /// A formula compiled for a stack machine.
  struct Program: Sendable, Equatable {
    /// The stack that fits into memory that Swift surely takes from the thread's own stack: 1 KiB.
    private static let smallStack = 128

    let instructions: [Instruction]
    /// The most values on the stack at once.
    let stackSize: Int

    init(instructions: [Instruction], stackSize: Int) {
      self.instructions = instructions
      self.stackSize = stackSize
    }

    func value(step: Double) -> Double {
      instructions.withUnsafeBufferPointer { code in
        if stackSize <= Self.smallStack {
          return withUnsafeTemporaryAllocation(of: Double.self, capacity: Self.smallStack) { stack in
            Self.run(code, step: step, stack: stack)
          }
        }
        // Hardly ever: about thirty parentheses deep, with operands waiting before each.
        let stack = UnsafeMutableBufferPointer<Double>.allocate(capacity: stackSize)
        defer { stack.deallocate() }
        return Self.run(code, step: step, stack: stack)
      }
    }

    /// The stack, with its top in a register and the rest in memory.
    private struct Machine {
      let memory: UnsafeMutableBufferPointer<Double>
      var height = 0
      var top = 0.0

      @inline(__always) mutating func push(_ value: Double) {
        memory[height] = top
        height += 1
        top = value
      }

      /// The value below the top, which is taken away from there.
      @inline(__always) mutating func next() -> Double {
        height -= 1
        return memory[height]
      }

      @inline(__always) mutating func compare(_ holds: (Double, Double) -> Bool) {
        top = holds(next(), top) ? 1 : 0
      }
    }

    private static func run(
      _ code: UnsafeBufferPointer<Instruction>, step: Double, stack: UnsafeMutableBufferPointer<Double>
    ) -> Double {
      var machine = Machine(memory: stack)
      var place = 0
      while place < code.count {
        let instruction = code[place]
        place += 1
        switch instruction.operation {
        case .constant: machine.push(instruction.value)
        case .step: machine.push(step)
        case .progress: machine.push(step / instruction.value)
        case .negate: machine.top = -machine.top
        case .not: machine.top = machine.top == 0 ? 1 : 0
        case .abs: machine.top = machine.top.magnitude
        case .atan: machine.top = Foundation.atan(machine.top)
        case .ceil: machine.top = machine.top.rounded(.up)
        case .cos: machine.top = Foundation.cos(machine.top)
        case .exp: machine.top = Foundation.exp(machine.top)
        case .floor: machine.top = machine.top.rounded(.down)
        case .log: machine.top = Foundation.log(machine.top)
        case .log10: machine.top = Foundation.log10(machine.top)
        case .log2: machine.top = Foundation.log2(machine.top)
        case .round: machine.top = machine.top.rounded(.toNearestOrEven)
        case .sigmoid: machine.top = Schedules.sigmoid(machine.top)
        case .sin: machine.top = Foundation.sin(machine.top)
        case .sqrt: machine.top = machine.top.squareRoot()
        case .tan: machine.top = Foundation.tan(machine.top)
        case .tanh: machine.top = Foundation.tanh(machine.top)
        case .addConstant: machine.top += instruction.value
        case .multiplyConstant: machine.top *= instruction.value
        case .divideConstant: machine.top /= instruction.value
        case .add: machine.top = machine.next() + machine.top
        case .subtract: machine.top = machine.next() - machine.top
        case .multiply: machine.top = machine.next() * machine.top
        case .divide: machine.top = machine.next() / machine.top
        case .floorDivide: machine.top = pythonFloorQuotient(machine.next(), machine.top)
        case .remainder: machine.top = pythonRemainder(machine.next(), machine.top)
        case .power: machine.top = Foundation.pow(machine.next(), machine.top)
        case .min: machine.top = pythonMinimum(machine.next(), machine.top)
        case .max: machine.top = pythonMaximum(machine.next(), machine.top)
        case .less: machine.compare(<)
        case .lessOrEqual: machine.compare(<=)
        case .greater: machine.compare(>)
        case .greaterOrEqual: machine.compare(>=)
        case .equal: machine.compare(==)
        case .notEqual: machine.compare(!=)
        case .clip:
          let lower = machine.next()
          machine.top = pythonMinimum(pythonMaximum(machine.next(), lower), machine.top)
        case .jump: place = Int(instruction.target)
        case .jumpIfFalse:
          let condition = machine.top
          machine.top = machine.next()
          if condition == 0 { place = Int(instruction.target) }
        case .andJump:
          if machine.top == 0 { place = Int(instruction.target) } else { machine.top = machine.next() }
        case .orJump:
          if machine.top != 0 { place = Int(instruction.target) } else { machine.top = machine.next() }
        case .keep:
          let below = machine.next()
          let top = machine.top
          machine.top = below
          machine.memory[machine.height] = top
          machine.height += 1
          machine.push(top)
        case .chainJump:
          let holds = machine.top != 0
          machine.top = machine.next()
          if !holds {
            machine.top = 0
            place = Int(instruction.target)
          }
        }
      }
      return machine.top
    }
  }
}
