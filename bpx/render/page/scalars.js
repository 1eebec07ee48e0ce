// Runs a tape of numbers alone; each is a list of one element.

const run = (tape) => {
  const values = [];
  tape.forEach(([f, ...args]) => values.push([args.length ? f(...args.map((place) => values[place][0])) : f]));
  return values;
};

const inline = (x) => number(x[0]);

const oneLine = inline;

const lines = (x) => [inline(x)];

const inField = (x) => x[0];

// What the gradient is of: the output times its weight.
const weighted = (results) => results[places[output]][0] * values[gradients[output]][0];
