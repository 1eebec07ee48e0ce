// The ops of each element: one function of numbers for each, by the op's name.
// A page takes those that occur in it, and what these call.

const add = (x, y) => x + y;

const sub = (x, y) => x - y;

const mul = (x, y) => x * y;

// Upstream times local: 0 where the upstream is 0, be the local derivative infinite.
const times = (x, y) => (x === 0 ? 0 : x * y);

const div = (x, y) => x / y;

const neg = (x) => -x;

const pow = (x, y) => (x === 1 ? 1 : x ** y);

const reciprocal = (x) => 1 / x;

const square = (x) => x * x;

const identity = (x) => x;

const lt = (x, y) => +(x < y);

const le = (x, y) => +(x <= y);

const gt = (x, y) => +(x > y);

const ge = (x, y) => +(x >= y);

const eq = (x, y) => +(x === y);

const ne = (x, y) => +(x !== y);

const where = (condition, x, y) => (condition !== 0 ? x : y);

const step = (x) => (sign(x) + 1) / 2;

const sign = Math.sign;

const abs = Math.abs;

const floor = Math.floor;

const ceil = Math.ceil;

// To the even neighbour, where two are equally near.
const round = (x) => {
  const below = floor(x), rest = x - below;
  return rest < 0.5 || (rest === 0.5 && below % 2 === 0) ? below : below + 1;
};

// With the sign of y.
const mod = (x, y) => {
  const rest = x % y;
  return rest !== 0 && rest < 0 !== y < 0 ? rest + y : rest;
};

const max = (x, y) => Math.max(x, y);

const min = (x, y) => Math.min(x, y);

const clip = (x, low, high) => min(max(x, low), high);

const hardtanh = (x, low, high) => min(max(x, low), high);

const sqrt = Math.sqrt;

const cbrt = Math.cbrt;

const exp = Math.exp;

const exp2 = (x) => 2 ** x;

const expm1 = Math.expm1;

const log = Math.log;

const log1p = Math.log1p;

const log2 = Math.log2;

const log10 = Math.log10;

const sin = Math.sin;

const cos = Math.cos;

const tan = Math.tan;

const sec = (x) => 1 / cos(x);

const csc = (x) => 1 / sin(x);

const cot = (x) => cos(x) / sin(x);

const asin = Math.asin;

const acos = Math.acos;

const atan = Math.atan;

const atan2 = Math.atan2;

const hypot = (x, y) => Math.hypot(x, y);

const sinh = Math.sinh;

const cosh = Math.cosh;

const tanh = Math.tanh;

const asinh = Math.asinh;

const acosh = Math.acosh;

const atanh = Math.atanh;

const logaddexp = (x, y) => (x === y ? x + Math.LN2 : max(x, y) + log1p(exp(-abs(x - y))));

// exp never overflows here, nor in softplus.
const sigmoid = (x) => {
  const small = exp(-abs(x));
  return (x >= 0 ? 1 : small) / (1 + small);
};

const softplus = (x) => max(x, 0) + log1p(exp(-abs(x)));

const logsigmoid = (x) => -softplus(-x);

const softsign = (x) => x / (1 + abs(x));

const relu = (x) => max(x, 0);

const leaky_relu = (x, slope) => (x > 0 ? x : slope * x);

const elu = (x, alpha) => (x > 0 ? x : alpha * expm1(min(x, 0)));

const selu = (x) => 1.0507009873554805 * elu(x, 1.6732632423543772);

const relu6 = (x) => min(max(x, 0), 6);

const hard_sigmoid = (x) => relu6(x + 3) / 6;

const hard_swish = (x) => x * hard_sigmoid(x);

const silu = (x) => x * sigmoid(x);

const swish = (x, beta) => x * sigmoid(beta * x);

const mish = (x) => x * tanh(softplus(x));

const gelu = (x) => (x * erfc(-x / Math.SQRT2)) / 2;

const gelu_tanh = (x) => x * sigmoid(2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * (x * x * x)));

// All terms of this series have one sign: Σ 2ⁿ x²ⁿ⁺¹/(2n + 1)!!
const erf = (x) => {
  if (!(abs(x) < 1)) return x > 0 ? 1 - erfc(x) : erfc(-x) - 1;
  let term = x, total = x;
  for (let n = 1; n < 30; n++) total += term *= (2 * x * x) / (2 * n + 1);
  return (total * bell(x) * 2) / Math.sqrt(Math.PI);
};

// From 1 on a continued fraction, which keeps the digits of the small values.
const erfc = (x) => {
  if (!(x >= 1)) return 1 - erf(x);
  let rest = 0;
  for (let n = Math.ceil(20 + 160 / x); n > 0; n--) rest = n / 2 / (x + rest);
  return bell(x) / (x + rest) / Math.sqrt(Math.PI);
};

// exp(-x²), with x² in two parts, as its rounding would be multiplied by x².
const bell = (x) => {
  const high = Math.fround(x);
  return exp(-high * high) * exp(-(x - high) * (x + high));
};

// Stirling's series from 12 on, and the recurrence below; reflected for x < 0.
const lgamma = (x) => {
  if (x <= 0) return x === floor(x) ? Infinity : log(Math.PI / abs(sin(Math.PI * (x - round(x))))) - lgamma(1 - x);
  if (x < 3 && abs(x - 1.5) < 1) return lgamma_near(x);
  let product = 1;
  for (; x < 12; x++) product *= x;
  const y = 1 / (x * x);
  const series = (1 / 12 - y * (1 / 360 - y * (1 / 1260 - y * (1 / 1680 - y * (1 / 1188 - (y * 691) / 360360))))) / x;
  return (x - 0.5) * log(x) - x + 0.9189385332046727 + series - log(product);
};

// Around its zeros 1 and 2, from the Taylor series at the nearer one: terms ζ(k)/k.
const lgamma_near = (x) => {
  const nearer = x < 1.5 ? 1 : 2, d = x - nearer;
  let total = d * (nearer - 1.5772156649015329), power = d;
  for (let k = 2; k < 60; k++) {
    power *= -d;
    total -= (power * (zeta(k, 1) - (nearer - 1))) / k;
  }
  return total;
};

const digamma = (x) => {
  if (x <= 0) return x === floor(x) ? NaN : digamma(1 - x) - Math.PI / Math.tan(Math.PI * (x - round(x)));
  let below = 0;
  for (; x < 12; x++) below += 1 / x;
  const y = 1 / (x * x);
  const series = y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y * (1 / 240 - y * (1 / 132 - (y * 691) / 32760)))));
  return log(x) - 0.5 / x - series - below;
};

// Σ (x + k)⁻ˢ over all k, by Euler and Maclaurin.
const zeta = (s, x) => {
  let total = 0;
  for (; x < 12 + s; x++) total += x ** -s;
  total += x ** (1 - s) / (s - 1) + x ** -s / 2;
  let term = s * x ** (-s - 1);
  [1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000].forEach((b, k) => {
    total += b * term;
    term *= ((s + 2 * k + 1) * (s + 2 * k + 2)) / (x * x);
  });
  return total;
};

// For x < 0 over the poles, by the recurrence.
const polygamma = (n, x) => {
  if (!Number.isInteger(n) || n < 0) return NaN;
  if (n === 0) return digamma(x);
  if (x <= 0 && x === floor(x)) return NaN;
  let poles = 0, factorial = 1;
  for (let k = 2; k <= n; k++) factorial *= k;
  for (; x < 0; x++) poles += x ** -(n + 1);
  return (n % 2 ? 1 : -1) * factorial * (poles + zeta(n + 1, x));
};

const sinc = (x) => sinc_derivative(0, x);

// With y = πx: y gₙ + n gₙ₋₁ = sin(y + nπ/2) where y is large, else the Taylor series.
const sinc_derivative = (n, x) => {
  if (!Number.isInteger(n) || n < 0) return NaN;
  const y = Math.PI * x, circle = [sin(y), cos(y), -sin(y), -cos(y)];
  let g = 0;
  if (abs(y) > n + 3) for (let k = 0; k <= n; k++) g = ((k ? circle[k % 4] : sin(Math.PI * (x - 2 * round(x / 2)))) - k * g) / y;
  else {
    let term = 1;
    for (let j = 0; j < 60; j++) {
      if ((n + j) % 2 === 0) g += ((n + j) % 4 ? -term : term) / (n + j + 1);
      term *= y / (j + 1);
    }
  }
  return g * Math.PI ** n;
};
