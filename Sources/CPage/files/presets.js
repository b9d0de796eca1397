// Experiments that tell what a learning rate does: a name, what to look for, and the experiment.

const constant = { type: 'constant' }

export const PRESETS = [
  {
    name: 'Too small, right, too large', words: 'A ravine under plain gradient descent: below its limit of stability the rate decides how fast it gets there, above it the loss grows without bound.',
    experiment: { problem: { type: 'ravine', condition_number: 50 }, optimizers: ['sgd'], schedules: [constant], rates: '0.001, 0.01, 0.03, 0.045', steps: 300 },
  },
  {
    name: 'A ravine: momentum and Adam', words: 'The same ravine, and what averages of the gradient make of it; the paths show how each goes about it.',
    experiment: { problem: { type: 'ravine', condition_number: 100, rotation: 30 }, optimizers: ['sgd', 'momentum', 'nesterov', 'adam'], schedules: [constant], rates: '0.01', steps: 400 },
  },
  {
    name: 'A curved valley', words: 'Rosenbrock’s banana: into the valley is easy, along its floor is not.',
    experiment: { problem: { type: 'rosenbrock' }, optimizers: ['sgd', 'momentum', 'adam', 'rmsprop'], schedules: [constant], rates: '0.001', steps: 5000 },
  },
  {
    name: 'AdaGrad’s shrinking rates', words: 'What each parameter’s own rate does: AdaGrad’s only fall, RMSprop’s and Adam’s come back. Look at the effective rates.',
    experiment: { problem: { type: 'ravine', condition_number: 100 }, optimizers: ['adagrad', 'rmsprop', 'adam'], schedules: [constant], rates: '0.05', steps: 1000 },
  },
  {
    name: 'Decays under noise', words: 'Noisy logistic regression: a constant rate comes to rest above the least loss, one that falls gets lower.',
    experiment: {
      problem: { type: 'noisy_logistic_regression' }, optimizers: ['sgd'], rates: '0.5', steps: 4000,
      schedules: [constant, { type: 'step', step_size: 1000, gamma: 0.3 }, { type: 'exponential', gamma: 0.999 }, { type: 'inverse_time', decay_rate: 0.01 }, { type: 'cosine', total_steps: 4000 }],
    },
  },
  {
    name: 'Overfitting', words: 'A polynomial of degree 15 through a few noisy points: the training loss falls, the validation loss has turned.',
    experiment: { problem: { type: 'polynomial_regression', degree: 15 }, optimizers: ['adam'], schedules: [constant], rates: '0.01, 0.1', steps: 5000 },
  },
  {
    name: 'Underfitting', words: 'A straight line through a sine: no rate helps a model that cannot.',
    experiment: { problem: { type: 'polynomial_regression', degree: 1 }, optimizers: ['sgd'], schedules: [constant], rates: '0.01, 0.1, 1', steps: 2000 },
  },
  {
    name: 'Away from a saddle', words: 'Where the slope is next to nothing, who gets away first?',
    experiment: { problem: { type: 'saddle' }, optimizers: ['sgd', 'momentum', 'adagrad', 'rmsprop', 'adam'], schedules: [constant], rates: '0.01', steps: 1500 },
  },
  {
    name: 'Cycles and restarts', words: 'Two moons under a small network: triangles and warm restarts beside a single cosine.',
    experiment: {
      problem: { type: 'two_moons' }, optimizers: ['momentum'], rates: '0.1', steps: 3000,
      schedules: [
        { type: 'cosine', total_steps: 3000 }, { type: 'cosine_restarts', first_cycle_steps: 750 },
        { type: 'cyclic', base_lr: 0.1, max_lr: 1, step_size_up: 375 }, constant,
      ],
    },
  },
  {
    name: 'Which rate, which optimizer', words: 'A grid: every optimizer at every rate, the loss at the end as a color.',
    experiment: { problem: { type: 'two_moons' }, optimizers: ['sgd', 'momentum', 'adagrad', 'rmsprop', 'adam', 'lion'], schedules: [constant], rates: '0.0001, 0.001, 0.01, 0.1, 1', steps: 1500 },
  },
  {
    name: 'A range test', words: 'The rate grows step by step while the loss is watched; the marks are the rates that it suggests.',
    experiment: { problem: { type: 'two_moons' }, optimizers: ['momentum'], schedules: [{ type: 'range_test', low: 1e-4, high: 10, steps: 200, smoothing: 0.9 }], rates: '', steps: 200 },
  },
]
