"""Every tuned number of the check in one place: its unit, and why it has the value it has.

A number is here if another value would give other verdicts or other costs. Counts of steps mean steps of
the ladder, each a quarter of the one before; "relative" means relative to the larger of the two numbers
compared; budgets say in their names what they count.

"Measured" means on the corpus of `tests/benchmarks/corpus.py`, in float64 alone, with two planted mistakes
for each correct gradient. With the values below the check passes 1,211 of 1,328 correct smooth gradients,
leaves 117 open and rejects none; of 1,951 planted mistakes it catches 1,815, leaves 135 open and misses 1.
"0.2, 2 fewer pass" says what became of that with 0.2 in its place. "Prototype" numbers were measured on the
first version of the check. What has no measurement beside it was derived, or was not varied; then the
comment says what it bounds.
"""

from __future__ import annotations

# --- float64 -------------------------------------------------------------------------------------

# The spacing of the numbers from 1 to 2, and the largest relative error of one rounding, half of it: the
# u of Higham, Accuracy and Stability of Numerical Algorithms (2nd ed., SIAM 2002), section 2.1.
EPSILON = 2.0**-52
UNIT_ROUNDOFF = 2.0**-53
# The smallest positive number, which keeps quotients by a step of 0 infinite and not undefined.
SMALLEST_FLOAT = 5e-324

# --- verdicts ------------------------------------------------------------------------------------

# Relative: the smallest error that must be seen where nobody asks for another. Differences of float64 reach
# 1e-10 at best and 1e-5 in the worst tenth of the corpus; a slip of the pen is never as small.
DETECT = 1e-5
# Error bars; so many of them a verdict takes for certain. Measured on the prototype: 1 gave 6 false
# alarms, 3 and 10 none, 100 left 40 more gradients open.
SAFETY_FACTOR = 10.0
# Times its own noise that a claim may be off beyond the bar: the few moves of a rounding error that measure
# the noise may miss the worst one. It was not varied.
CLAIM_NOISE_MARGIN = 8.0

# --- sums of ErrorBounds -------------------------------------------------------------------------

# Machine epsilons that a sum loses besides log2 of the number of its terms: NumPy's loop of eight strands
# (see `error_bound._additions`, where the bound is derived).
SUM_STRANDS = 8.0

# --- the ladder of steps -------------------------------------------------------------------------

# From one step to the next. Measured for as many steps: 2, 3 smooth points are called kinks; 8, 2 false
# alarms and 54 fewer mistakes caught, as each estimate is tested at fewer steps above the rounding.
STEP_RATIO = 4.0
# Of max(|x|, 1). No round number: sin(2πx) with h = 1, ½, ¼ looks flat. Measured on half of the corpus:
# 0.5, 4 false alarms; 1, 3; 0.3, 1; 0.037, none, but 2 fewer mistakes are caught.
FIRST_STEP = 0.37
# Steps evaluated by the end of each stage. 8 steps reach down to 2e-5, where a smooth claim is confirmed
# to 1e-7; 64 reach 2⁻¹²⁷, far below the last step for any x but one next to 0.
STAGE_STEPS = (8, 16, *range(24, 65, 4))
# Of |x|: the ladder ends where a step has ten bits left above the rounding of x. At x = 0 there is no
# rounding, and 2⁻⁶⁶ is well below the rounding of any inner value of size 1.
LAST_STEP = 2.0**-42
LAST_STEP_AT_ZERO = 2.0**-66
# Of |x|: inner values of size 1 may be frozen below 2⁻⁵⁰ max(|x|, 1), four units of their last place.
INNER_ROUNDING_STEP = 2.0**-50
# Steps: the slopes "around" x are those of the largest four usable steps, at smaller ones rounding makes
# slopes.
SLOPE_SCALE_STEPS = 4
# Units of inner rounding up to which a residual is explained: two values, each off by one unit both ways.
KNOWN_ROUNDINGS = 4

# --- flat functions, and stairs of inner rounding ------------------------------------------------

# Unit roundoffs of max(|f|, 1) that may hide where f does not change by a bit: one for each of two
# values, doubled for an inner value that rounds the other way.
FLAT_ROUNDINGS = 4
# Halvings of the bracket around the first change: a factor of 10⁶. Measured on half of the corpus: 5, 15
# fewer pass and 1 false alarm; 40 changes nothing.
QUANTUM_BISECTIONS = 20
# Of the change in the middle of the bisection: a rounding keeps its height, and 1/64 lets it vary; the
# end of a plateau, even where f leaves it linearly, has fallen to 1/1024 by then.
QUANTUM_LASTS = 1 / 64
# Times the first step, so often and each time the change to the step before: how far the end of a plateau is
# looked for where a 0 is claimed. x² is lost beside 1e16 up to |x| = 1, and e^x beside 1 from -700 up to -37.
PLATEAU_RATIO = 32.0
PLATEAU_STEPS = 12

# Of max(|f|, 1): higher steps are no rounding of float64, nor of float32 of inner values up to 16 (16 times
# its 2⁻²⁴). What they are, a rounding to float16 or a function that is a staircase, does not show.
STAIR_ROUNDINGS = 2.0**-20

# Units of rounding of max(|f|, 1), in the type that f returns: who claims that a function is flat is not told
# that higher steps are a rounding. Lower ones come of inner values up to 4096 times as large as f.
FLAT_CLAIM_ROUNDINGS = 2.0**12

# --- one-sided slopes and their gap --------------------------------------------------------------

# From step to step: the gap of a smooth function falls to 1/4; at a kink it stays. One half lies between.
CLOSING_RATIO = 0.5
# Units of rounding of f, over h, that a gap may have besides: two quotients of two values each.
CLOSING_ROUNDINGS = 4
# Steps below the one that a slope rests on at which the gap must close; the half keeps rounding of the
# steps from deciding about the fourth.
CLOSING_REACH = 3.5
# Of the gap: at steps where rounding makes more of it, the gap says nothing.
MEETING_ROUNDING = 0.05
# The smallest such steps, and the share of the gap to which the slopes must close at one of them.
MEETING_STEPS = 4
MEETING_SHARE = 0.5

# Within what factors a gap is of the same size as four steps, 256 times in h, before. Of a smooth function it
# falls to 1/256, or to 1/16 where a slope goes like |h|^½; what rounding makes of it grows 256 times. That of
# |h|^p with p > 0.8, and of x log|x|, grows up to threefold; by more it shows as a slope without bound.
SAME_GAP = (0.2, 8.0)

# --- slopes without bound ------------------------------------------------------------------------

# Smallest steps over which slopes must grow, 4,000 times in h, and by how much from step to step: by
# 4^(1-p) where f goes like |h|^p, so that 1.3 means p < 0.81, and by 4 at a jump, 1.1 times that with
# rounding.
STEEP_STEPS = 6
SLOWEST_GROWTH = 1.3
FASTEST_GROWTH = 1.1
# Units of rounding of f: so large a change at the smallest step is no noise, which grows as steadily.
STEEP_ROUNDINGS = 1e3

# --- steps that are too coarse -------------------------------------------------------------------

# Of f: a smallest step, 2⁻⁴² of x, that still moves it by so much spans what there is to see, unless the move
# shrinks as the steps do (by half as many powers at least).
COARSE_SHARE = 1e-2

# --- one-sided slopes beside a guard --------------------------------------------------------------

# Roundings of the arg: so far off, a point is for certain on its side of a kink that rounding may have put
# beside x.
OFF_KINK = 16

# An input at which the smallest steps that slopes rest on, 2⁻²⁰ of it, reach features of size 1.
LARGE_INPUT = 2.0**20

# --- extrapolation -------------------------------------------------------------------------------

# Polynomials through 1, 2, 3 and 4 neighbours: errors of h², h⁴, h⁶ and h⁸. Measured: 2, 4 fewer pass and
# 18 fewer mistakes are caught; 6, 1 more of each, at half as much work again.
POLYNOMIAL_ORDERS = 4
# Times the change to the next candidate, or the noise: what is measured at a few steps is no upper bound.
TRUNCATION_FACTOR = 3
# The chance that noise is larger than the error bar says. Of noise between -a and a the largest of m samples
# is below a / 10^(4/m) once in 10^4 times: 21 times smaller of three samples, 3 times of eight, as above.
NOISE_CHANCE = 1e-4
# Units of rounding of f that a residual may come to without being noise from within f: two values in each
# of two quotients, and twice that.
ROUNDING_MARGIN = 8
# Of the slopes around: a derivative of 0 has no size of its own to be relative to.
STATIONARY_SHARE = 1e-3
# Relative: an estimate this good says something. Measured: 1e-2 and 1e-4 change one verdict each.
WELL_KNOWN = 1e-3
# Smaller steps above the inner rounding that put a candidate into the first and second class of trust,
# and what each further class multiplies its error by. Without them: 3 false alarms on the prototype
# (trap: a smooth, wrong slope below the rounding of an inner value).
TRUST_STEPS = (8, 5)
TRUST_FACTOR = 10.0
# Times the noise met above a candidate that is not there below it, over h.
FROZEN_FACTOR = 10
# Steps above the inner rounding: nothing that froze is smooth over so many, 10⁸ in h. Measured: 28, 7
# fewer pass and 63 fewer mistakes are caught; 8, 6 more pass and no false alarm, but noise of functions
# that the corpus does not have may freeze over more steps than eight.
FROZEN_STEPS = 14
# Of the rounding of f: a residual of a hundredth of f itself is no rounding. Measured: ×10 and ÷10 change
# nothing.
LARGEST_NOISE = 1e-2 * 2.0**52

# --- polynomials fitted to many values ------------------------------------------------------------

# Steps to either side, 64 calls together, and the intervals that are tried, each a quarter of the one before,
# from the first step of the ladder on.
FIT_STEPS = 32
FIT_REACHES = 4
# Odd powers: terms up to h^13.
MOST_FIT_TERMS = 7
# Standard deviations: of Student's t with 25 degrees of freedom and more, all but 1e-4 of cases.
FIT_ERRORS = 4.6
# Standard deviations: a smaller term passes for chance. Lower than the bar, so that more terms are taken than
# need be.
SIGNIFICANT_TERM = 3.0
# Of 1/√n, the standard deviation of the correlation of n neighbours that have nothing to do with each other.
UNRELATED_RESIDUALS = 3.0
# Of max(|x|, 1): so near, f is straight but for its noise. And how many times the standard deviation of that
# a fit may leave: of two variances of 30 residuals each the quotient is below 4 in all but 1e-4 of cases.
# Without it a ripple passes for noise, and the corpus of correct gradients gave 1 false alarm.
NOISE_REACH = 2.0**-26
FIT_NOISE = 2.0
# Relative: an estimate that is known so well is refined; a fit that is outside its bar is of something else.
REFINABLE = 1e-2

# --- the nature of residuals ---------------------------------------------------------------------

# Of the peak: where less is left at the smallest steps, the noise is not there. Measured: 0.2, 2 fewer
# pass; 0.002, 3 false alarms, from noise that froze and went unnoticed.
QUIET_SHARE = 0.02
# Smallest steps that are looked at together. Measured: 2, 5 fewer pass; 8, 3 false alarms, as noise is
# then still seen at steps above those where it froze.
TAIL_STEPS = 4
# Steps at which a residual that shrinks with them shows; noise shows at more. Measured: 1, 4 fewer pass
# and 22 fewer mistakes are caught; 6, 18 more are caught, but 6 more truths lie outside their bars.
BRIEF_STEPS = 3
# Of the peak: less does not count as seen.
VISIBLE_SHARE = 0.05
# From step to step: a residual that doubles as h falls is noise; one of a kink never grows.
GROWING_RESIDUAL = 2
# Of the step ratio: plain truncation falls as the steps do, to within 40 %.
FALLING_LOW = 0.6
FALLING_HIGH = 1.4

# --- claims and estimates ------------------------------------------------------------------------

# Relative: a claim this close to a candidate with an error this small needs no further look. A hundredth
# of what a check must see by default (1e-5), so that no claim is settled that a verdict would reject.
# Measured: 1e-6, 5 more pass; 1e-8, 3 fewer.
SETTLED = 1e-7
# Units of rounding of max(|f|, 1), in the type that f returns: less noise is taken for a rounding of inner
# values, which may be 4096 times as large as f; whether more of it is noise at all, smaller steps show. The
# last of these, 2**-42 of x, tell a ripple of 1e-10, such as 1e-10 sin(1e10 x), from noise; none of 1e-11.
QUIET_ROUNDINGS = 2.0**12
# Relative: a claim that no quotient comes this close to is wrong, or at a hard point: no use in a first
# look. Measured: 0.01 and 1 change no verdict, only what is evaluated.
HOPEFUL_GAP = 0.1
# Steps: kinks among the first sixteen show in the one-sided slopes; residuals below are looked into.
QUICK_STEPS = 16
# Usable steps that a two-sided estimate needs: the four points of the highest polynomial.
FEWEST_STEPS = 4
# And of one side alone, where the last value takes the place of f(x) and the others must show that the
# slope is steady.
FEWEST_STEPS_ONE_SIDED = 8
# |x| below which a second ladder, scaled to |x|, is tried: 64 steps from 0.37 down, to 4e-39, hardly
# reach 2⁻⁴² |x| any more.
SECOND_LADDER_BELOW = 1e-25
# Relative: values nearer to each other than that are one; a jump of less is taken for rounding.
# Measured: 1e-8 changes nothing.
SAME_VALUE = 1e-9
# An estimate of one side replaces the central one where its error is so many times smaller: a one-sided
# polynomial of the same order is less accurate at a smooth point, by luck it may look better.
BETTER_SIDE_FACTOR = 3
# Numbers in the largest array of one chunk of columns, 8 MB.
LARGEST_CHUNK_ELEMENTS = 2**20

# --- many digits ---------------------------------------------------------------------------------

# Decimal digits: a quotient over the smaller step of 1e-33 keeps 57 of them, where its truncation error
# of 1e-33 leaves 33; the rest may cancel in f.
MULTIPRECISION_DIGITS = 90
# Decimal digits tried where fewer do not settle a derivative: one of exp(-1000) = 1e-434 beside terms of
# size 1 takes 470, a softmax with logits 1,000 apart.
MOST_DIGITS = 800
# Of min(|x|, 1); and the step at x = 0, where nothing says what is small: f is taken to have no feature below
# 1e-40.
MULTIPRECISION_STEP = 1e-30
MULTIPRECISION_STEP_AT_ZERO = 1e-40
# The second step is so many times smaller. What depends on h at all differs by as much between the two.
STEP_SHRINK = 1000
# Of a count of periods x / y, which is rounded here and at a point beside x.
COUNT_ROUNDINGS = 2
# Of the way from x to the next jump of floor, a remainder and their kin: the longest step.
SHARE_OF_WAY = 0.25
# A step is shortened by as much as it has gone too far: once is enough where the way is in proportion to it.
MOST_SHORTENINGS = 8
# Relative to x, in units of rounding: the least step. The smallest of three is a millionth of it, and 24 of
# its digits are left for the slope.
LEAST_OF_DIGITS = 1e30
# Units of rounding, of 1 at least: a number as near to a whole one is that one, for all that the digits tell.
WHOLE_PART_ROUNDINGS = 2.0**40
# Relative: a derivative that twice the digits change by less is settled. 16 digits are asked for.
DIGITS_SETTLED = 1e-20
# Relative: as long as the rounding of the digits carried allows for more, a derivative is not settled.
LARGEST_DIGITS_ROUNDING = 1e-3
# Units of rounding of inner values of size 1 in a quotient: two values, each off both ways, of which some
# hundred operations may be left where they cancel (the sum of a z-score is 0, and 1e-56 in its quotients).
MULTIPRECISION_ROUNDINGS = 1000
# Relative: one-sided slopes this far apart are two. A second derivative 1e20 times the slope looks the
# same.
KINK_GAP = 1e-10
# From the wide step to the near one: a slope that grows like this has no limit. |h|^p grows by
# 1000^(1-p), so that p < 0.997 shows; x log|x| at 0 grows by a thirteenth, 1.075.
SLOPE_GROWTH = 1.02
# By what the growth of a slope may differ from one step to the next: |h|^p and a jump grow by the same factor
# each time, x log|x| by 1.075 and 1.070. What grows by chance, as slopes of x sin(1/x) do, does not.
STEADY_GROWTH = 1.25
# The least that the gap between both sides shrinks by from step to step of a smooth function: between the
# 1000 of one with a second derivative and the 1 of a kink. That of |h|^1.5 shrinks by 31.6.
SMOOTH_SHRINK = 30.0
# Bits carried beyond those wanted: a series of up to 3,000 terms, each rounded down, loses 12 of them.
GUARD_BITS = 20
# π and log 2 are kept with multiples of so many bits, of which 90, 180, … digits with their guards meet few.
CONSTANT_BITS = 256
# Bits behind the point of what float64 guesses of a logarithm or an angle: as good as the 53 that it has.
FLOAT_GUESS_BITS = 60
# Times √bits: so often an argument is halved before its series. Measured, µs for exp and sin at 90 digits:
# 0.3, 10.5 and 11.9; 0.7, 8.7 and 11.3; 1, 8.7 and 11.9; 1.4, 9.3 and 12.3. At 800 digits 0.7 is best too.
HALVINGS = 0.7
# Binary digits of an exponent: exp of more is infinite, or 0, as its exponent alone would fill the memory.
LARGEST_EXPONENT_BITS = 30
# Binary digits of an angle before the point: reducing more takes too long.
LARGEST_ANGLE_BITS = 2**12

# --- balls ---------------------------------------------------------------------------------------

# Bits of the balls, one after the other until an enclosure is narrow. The last bounds the cost of what no
# bits decide, such as a comparison of equal numbers that are not exact; it was not varied.
BALL_BITS = (128, 256, 512, 1024, 2048, 5000)
# Bits of an enclosure that is narrow: 11 more than a float64 number has.
ENCLOSURE_BITS = 64
# Units of rounding, 2**-52 of the terms, by which float64 makes a right claim differ between processors: exp
# and log of NumPy are good to 4 of them, and a derivative takes more than one. It was not varied.
CLAIM_ROUNDINGS = 8
# Bits of balls up to which an operation costs the same: Python takes longer than the arithmetic.
BITS_BELOW_PYTHON = 1024
# Operations on balls that certificates of all entries, or of the open ones of one gradient, may take: 1.5 µs
# each, 30 ms together, as long as the rest of such a check takes.
MOST_BALL_OPERATIONS = 20_000
# And for what does not move with the entry, once: 0.5 s.
MOST_STILL_OPERATIONS = 200_000

# --- one op alone: derivatives in many digits ----------------------------------------------------

# Relative: a derivative with an error this small, times the safety factor, is known better than float64
# can state a claim (2e-16 per operation), so that the verdict rests on the claim alone.
EXACTLY_KNOWN = 1e-12

# --- error bars as reports show them --------------------------------------------------------------

# Relative: no error bar of a measured reference is shown smaller. Of 1,900 bars of gradients of small
# networks 98 % lie below; those above are rounded up to a power of ten, and may be another one on another
# processor.
MEASURED_BAR = 1e-10
# Of the terms that an entry is the sum of: the same for graphs of few operations, where only rounding makes
# the bars. Of the bundled examples, 28 have at most 191 operations, and bars of 2**8.3 units of rounding at
# most, a thirteenth of this; one has 823, and bars of 2**14.6.
LEAST_BAR = 1e-12
FEW_OPERATIONS = 300
# Of the terms of a sum: a derivative of 0 is known if less can be left of them in 90 digits.
CANCELLED = 1e-35
# Of the terms of a sum: constants such as π stand in rules of bpx with float64's digits, 1.1e-16 each.
FLOAT_CONSTANT_ROUNDING = 1e-15
# Relative: a formula that agrees so closely in many digits is the right one. Between the 1e-15 of
# constants and the 1e-5 that a check must see; nobody writes a formula wrong by a billionth.
RIGHT_FORMULA = 1e-9
# Elements of a batch whose slopes are enclosed by balls, some 0.05 ms each where differences take some 2 ms
# for a batch of any size; it was not varied.
MOST_ENCLOSED_ELEMENTS = 32
# Operations on numbers of many digits that a look at one element takes: 1 to 4 ms, as a slope of next to
# nothing takes up to MOST_DIGITS digits.
EXACT_ELEMENT_OPERATIONS = 1000
# Elements of one verdict that are looked at in many digits: a rule is right or wrong at thousands of elements
# for one reason. If these keep the verdict, the others do as well.
WITNESSES = 4
# Units of rounding that the args and the value move by, to see what that does to a rule: those of one
# sign and of opposite ones; a move of both down is the first with its sign changed.
RULE_PERTURBATIONS = ((1, 1), (-1, 1), (1, -1))

# --- one op alone: rounding of values and sketches -----------------------------------------------

# Machine epsilons for each doubling of the terms of a sum: pairwise summation loses one half, strands of
# 16 and BLAS kernels of unknown order more.
SUM_ROUNDINGS = 4.0
# Runs of a reverse pass with all errors drawn anew, each within its bound; the farthest is the error bar.
# Of 8 normal deviates all are below a tenth of a deviation in 2e-9 of cases: with the safety factor of the
# verdict the bar is a deviation at least.
ERROR_SAMPLES = 8
# Of what values are off by those in extended precision, whose own rounding is 2**-11 of theirs where there
# are 64 bits; with fewer than 60 nothing is measured.
MEASURED_ROUNDING = 8.0
LARGEST_EXTENDED_EPSILON = 2.0**-60
# Of the largest value of a node: bounds of its rounding that are larger are measured anew.
VAGUE_ROUNDING = 1e-11

# A rule that is wrong at all passes a sketch only if its error is orthogonal to random weights.
SKETCHES = 3
# Machine epsilons times √terms that the two sides of a sketch may differ by; twice as much is what a
# wrong element can hide in. Measured: products of matrices reach 0.4 (64 × 64) to 15 (3 × 20,000), sums
# of 10⁶ terms 3.
SKETCH_RANDOM_WALK = 24.0
# Machine epsilons for each element of the longest axis, where sums are added up one after the other.
# Measured: sums over the first axis of 100,000 × 4 reach 1.2 times the tolerance of both; then the
# Jacobian is written out.
SKETCH_SEQUENTIAL = 0.5

# --- one op alone: an op taken apart --------------------------------------------------------------

# Random points at which an op and its parts must have the same value, besides the one met: analytic functions
# that agree at one of them agree everywhere, with probability 1.
PARTS_POINTS = 3
# How far elements are moved to these points, whatever their size: exp changes by a factor of 2.7.
PARTS_REACH = 1.0
# Relative to the larger value: 2,000 roundings of sums, and a millionth of what a check must see.
SAME_AS_PARTS = 1e-12

# --- one op alone: linear algebra -----------------------------------------------------------------

# Matrices near the one met, at which value and slopes are looked at to see what rounding does to them.
BACKWARD_MOVES = 3
# The move of the worst of these, times this, bounds what rounding does.
BACKWARD_SAFETY = 4.0
# Rounding that moves the value by more of its size than this may lead to a matrix without a value: then
# nothing is known.
LARGEST_BACKWARD_MOVE = 0.1
# An entry counts as moved by this share of the one that moves most. By chance it moves by less in one of
# 1,000 matrices, and in one of 10⁹ times three.
BACKWARD_FLOOR = 1e-3
# What a matrix of zeros counts as the size of: the square root of the smallest normal float64, whose product
# with rounding still is one.
SMALLEST_MATRIX = 1e-154

# --- one op alone: sizes -------------------------------------------------------------------------

# Entries of a Jacobian that is written out: 32 MB, and so many columns of differences.
LARGEST_JACOBIAN_ENTRIES = 2**22
# Elements of a batch of basis vectors, or of moved slices: 32 MB.
LARGEST_BATCH_ELEMENTS = 2**22

# --- verdicts and whole graphs ------------------------------------------------------------------

# Costs are as measured: an operation takes about 1 to 2 ns for each element in float64, and 1.5 µs (addition,
# product) to 10 µs (exp) in 90 digits.

# Of the least difference that must be seen (`detect`): a smaller share of it is not held against a claim.
# So a claim is refuted from 1e-7 on at the default, which leaves room for claims written with 8 digits.
SLACK = 1e-2

# Absolute: of a gradient in use that is smaller, as where a loss is all but met, rounding may have left no
# digit; some fifty roundings (2**-53 each) of terms of size 1.
NOTHING_IN_USE = 1e-14

# Of the largest entry of an array: an entry, and its bar, that are smaller do not matter beside it. Error
# bars of differences reach 1e-12 of the largest entry; with the safety factor, and times 9 for what is
# certified together, that is 1e-10.
NEGLIGIBLE = 1e-9

# Units of rounding, 2**-52 of the terms, that terms which cancel may leave in a gradient by bpx's own rules:
# one unit each for the terms of a sum of 64.
REST = 64

# Element operations when entries are followed to either side of a kink: 2**26 take about 0.1 s.
MOST_FOLLOWED = 2**26

# Evaluations of the graph that following one entry may take. A smooth side takes 24, both sides 48; the
# rest is room for the ladders of inputs beside each other.
EVALUATIONS_PER_ENTRY = 200

# Operations on numbers of many digits that one gradient may take where nobody says more: 1 to 2 s.
MOST_EXACT_OPERATIONS = 500_000

# And that a quick check may: 0.1 s.
QUICK_EXACT_OPERATIONS = 20_000

# Elements of a graph whose gradient is worked out once in many digits: 0.1 to 0.5 s for each rule.
MOST_EXACT_ELEMENTS = 50_000

# Operations on complex numbers of extended precision that the entries of one gradient may take, where many
# digits are not to be had: about 10 s.
MOST_EXTENDED_OPERATIONS = 2**29
# Of the error bar in float64: that of the same computation in such numbers, whose rounding is 2**-11 of that
# of float64; the rest is room for functions of a library that do not round as well.
EXTENDED_SHARE = 2.0**-8

# Evaluations of the graph that one derivative in many digits may take. A smooth one takes 10; one that
# cancels is taken again with more digits.
EXACT_EVALUATIONS = 50

# Evaluations of the graph that all entries of a gradient take together: a slope along a line, and the reverse
# pass, which takes about three.
EXACT_GRADIENT_EVALUATIONS = 13

# Steps of the search for the nearest point of a generalised gradient: each adds a vertex, and those kept are
# one for each entry and one besides at most.
NEAREST_STEPS = 1000
# Weights of vertices that are no more than rounding.
NEAREST_WEIGHT = 1e-12
# Of the size of all: vertices so near each other are one. The search ends so much too far away at most, a
# hundredth of what half a last digit of one-sided slopes leaves open.
SAME_VERTEX = 1e-9

# Choices of a side at every kinked element that are gone through one by one: 2**8, a sweep each.
MOST_SELECTIONS = 256
# Kinked elements, none of which bears on another, that each are taken by themselves: two sweeps each.
MOST_SELECTED = 512
# Of max(|arg|, 1): how far beside a kink the slopes of its sides are looked up, besides four times the
# rounding of the arg. So near that nothing bends in between.
BESIDE_KINK = 1e-9
# Of max(|x|, 1): how far beside the point first derivatives are looked at that are derived once more. Farther
# than `BESIDE_KINK`, as the slopes of sides part in proportion; no round number, which may meet another kink.
BESIDE_POINT = 1.3711e-6
# Of that: where a kink met there is looked for once more. Some thousand roundings of an x of size 1 are left.
NEARER_BESIDE = 1e-6
# Relative: slopes of two sides that part by so much are surely told apart.
VISIBLE_GAP = 1e-8
# So many steps, each a quarter of the one before, are tried there, until no further kink lies on the way.
BESIDE_STEPS = 40
# Steps of a ladder next to a kink over which a guard keeps its sign, and then changes it: at a further kink.
# Rounding beside the first one, where the guard itself is known to some bits only, reaches over two or three.
STEADY_STEPS = 5
# Relative: slopes of two sides that are nearer to each other are those of one.
ONE_SIDE = 1e-6
# Directions in which the gradient is looked up beside a kink.
LIMIT_DIRECTIONS = 64

# Coordinates at kinks whose sums and differences, two by two, are looked at: 24 make 552 lines.
MOST_PAIRS = 24

# Random directions through all coordinates at kinks besides.
KINK_MIXTURES = 8

# Units of rounding of the largest number met, that a step from one side to the other may be made of: the
# values of both sides and here are off by a unit or two each.
JUMP_ROUNDINGS = 8
# In units of the smallest step of one side, 5e-15 of max(|x|, 1): points by which the rounding of its limit
# is measured. Of 1 / x at the first of them a rounding of x takes a tenth, at the last next to nothing.
LIMIT_STEPS = (1.0, 2.0**10, 2.0**20)

# Element operations of a look along a random direction through the whole graph: about 0.1 s.
MOST_ALONG = 2**26

# Evaluations of the graph that this takes: 4 where the first difference confirms the reference, 17 where the
# first of a ladder do, 49 where none does.
EVALUATIONS_ALONG = 64

# Of the inputs: the step of that first difference, of fourth order, which bends 4e-15 for a fifth derivative
# of the size of the first, and rounds to 1e-12.
STEP_ALONG = 2.0**-12

# Elements of a graph that is followed along the direction in many digits.
MOST_EXACT_ALONG = 1000

# Relative: what differences of a long computation may be off without notice, below the rounding grain of
# inner values. A path that is lost or taken twice changes the slope by a part of its own size.
BLIND_ALONG = 1e-6

# Elements of all nodes of a batch of points together: 128 MB of float64.
BATCH_ELEMENTS = 2**24

# Nodes and operations of a forward pass beyond which a quick check takes longer than the explanation it is
# part of, start-up and all.
MOST_QUICK_NODES = 1_000
MOST_QUICK_OPERATIONS = 100_000

# Entries whose rows of second derivatives are checked one by one, each a whole check.
MOST_SECOND = 64

# Points at which a check may be asked for: each is a whole check, of some milliseconds at least.
MOST_POINTS = 10_000

# Draws for each further point: a domain that takes up half of the space is missed once in 2**20 times.
TRIES = 20

# How far from its value an input without a range is drawn, in units of it (or of 1, where it is smaller); and
# the logarithm of the factor of one that keeps its sign.
AROUND = 0.5
# The same, where the other side of a kink is to be seen: kinks at up to three times the values are in reach.
FAR_AROUND = 2.0

# Further points at which a claimed formula is compared: four far ones with chosen signs, so that both sides
# of every kink at 0 are seen, of an input and of a product of two, and two near ones. A wrong formula in
# smooth ops holds at none but by accident. Each costs a reverse pass.
FORMULA_POINTS = 6
# Significant digits of the numbers drawn for them: what refutes a formula is to be read, and typed again.
FORMULA_DIGITS = 3
# And at how many it must have been compared for a word on it.
FEWEST_FORMULA_POINTS = 2
# In units of the largest entry: rounding of what cancels in a gradient, some 5,000 units. What differs by
# more is looked at with all there is, so that nothing rests on this number but time.
FORMULA_ROUNDING = 1e-12
# Points at which a formula that differs is looked at so; the first that refutes it will do.
FORMULA_LOOKS = 3

# --- black boxes --------------------------------------------------------------------------------

# Calls of forward in float64, where nobody asks for another number: 1,000 coordinates at the 17 calls that
# one takes whose claim is soon confirmed, 300 where they are wrong.
MOST_CALLS = 20_000

# Coordinates that are looked at one by one, however often forward is called for it. More are certified
# together, as far as that goes.
ONE_BY_ONE = 256

# Calls of forward for each of them, as they are announced: 17 are made of a function with one output, and
# about twice as many of one with several.
CALLS_EACH = 17

# Of the calls: what is spent on coordinates together, so that enough is left to look at some of those that
# are wrong.
SHARE_TOGETHER = 0.5
# As many as the calls times this come on top, to find which elements of a large output are wrong: of 70, at
# 1,150 calls each, 8.
SHARE_LOCATING = 0.5

# Coordinates looked at in one go.
TOGETHER = 64

# Calls that wait for workers at the same time, each with its own copy of the inputs.
MOST_WAITING = 64

# Operations on numbers of many digits in a chunk of looks at entries that workers share: 0.1 to 0.2 s, where
# sending it takes about 1 ms. And on numbers of extended precision, where the inputs are sent along: 0.2 s.
LOOK_OPERATIONS = 50_000
EXTENDED_LOOK_OPERATIONS = 2**26
# At least so many times what every chunk computes once more, which is an eighth of the work at most.
STILL_SHARE = 8

# Processes of one machine; a pool of Windows takes no more than 61.
MOST_JOBS = 61

# Random directions through coordinates that are looked at together, and the chance that an error as large as
# the bar hides in all of them. With eight, the bar is 12 times what the claims miss the slopes by; with four
# 211 times. The looks that a coordinate has part in at most, so that all in all the chance is below 1e-9.
DIRECTIONS = 8
HIDDEN_CHANCE = 1e-10
MOST_LOOKS = 10

# Where few of many claims are wrong: directions by which one wrong claim is told from all others, at least
# and at most: each leaves one in a thousand of the other claims, or, where what is missed is known to a tenth
# alone, one in three. Three make a chance fit among 100,000 rarer than one in ten.
FEWEST_DECODING_DIRECTIONS = 3
DECODING_DIRECTIONS = 12
# Claims that may all explain what is missed: each costs 17 calls if it is right, another half less than that.
MOST_SUSPECTS = 4
# Rows that are decoded, those in which most is missed.
DECODED_ROWS = 4
# Bars: what is missed by less may be nothing. The bar is the change from one step to the next, about 1/250 of
# which the next step leaves.
CLEAR_MISS = 2.0
# Parts with wrong claims at the same time: with more, an array is wrong all over.
MOST_PARTS = 64
# The steps that are tried for it, on the ladder: of 6e-3 to 1e-8.
ISOLATION_STEPS = tuple(range(3, 13))

# Coordinates that are no longer halved.
FEW_TOGETHER = 32

# Of the median of an array: a smaller element moves that far along a direction, or what is claimed of it
# would not show.
SMALLEST_DIRECTION = 0.1

# The order in which multiples of it, modulo 1, fill an interval leaves no large gap at any time.
GOLDEN_RATIO = 0.6180339887498949

# Relative: so far a smooth claim is straight: the bend over 2**-27 is 2**-54 of it, below its rounding.
STRETCH = 2.0**-27
# Points of that stretch. The rounding of an inner value there is anything up to half a unit: that none of
# nine points, the one looked at among them, is more than a fifth of that off their line, which fits two of
# them, happens once in 0.2^-7, some 10^5 times. Of three pairs on either side none was off three times in
# eight, and a right claim was rejected.
STRETCH_POINTS = 8

# Draws of inputs moved by rounding errors, to see how far that moves the claims: 3, as the method that was
# measured on 3,538 cases has it.
DRAWS = 3

# Coordinates whose kinks are looked at together: 12 make 132 lines.
MOST_KINKED = 12

# Relative: the least that rounding within f may do which does not show along a line: a unit of rounding,
# 2**-52, of inner values up to 4096 times as large as the slope.
STEADY = 2.0**-40

# Draws of inputs moved by two units of their last place, to see how far rounding moves all claims; and how
# many times the root of their mean square the rounding of inner values of that size moves them at most. Ten
# such roundings, each of half a unit at most (0.29 in the mean square), come to 0.9 units, 0.45 of a move;
# Student's t with 4 degrees of freedom is below 13 in all but 1e-4 of cases.
SHIFT_DRAWS = 4
SHIFT_BAR = 6.0

# Of max(|f|, 1), in units of a slope: where f does not change from x to x + 0.37, it may still change by four
# roundings to float32, 4 · 2**-24 / 0.37.
FLAT_AS_FLOAT32 = 6.5e-7

# Random directions through coordinates at kinks.
BLACK_BOX_MIXTURES = 8

# Lines to both sides along which gradients beside a point are looked up where a claim at a kink disagrees, a
# ladder each: 1,600 calls.
BLACK_BOX_LIMITS = 32
# Lines that show whether there is a kink at all where none is along the axes: of a wrong claim on a smooth
# function they cost 100 calls.
LOOKS_BESIDE = 2
# Of max(|x|, 1): how far beside a point these gradients are, and the step of the central differences that
# they are taken by, which leave six digits. Kinks that rounding has parted, by 1e-14, are one from there.
BESIDE_BLACK_BOX = 2.0**-20
DIFFERENCE_BESIDE = 2.0**-30
# Relative to the largest of such gradients: what is nearer is the same, 2**-20 being what they may bend.
SAME_BESIDE = 1e-5

# Of max(|x|, 1, |out / slope|): the halves of secants that must have one slope where an op is affine in an
# arg. The longest has next to no rounding; the shortest sees a bend of 2**-40 right beside x. None is a power
# of two or a multiple of another, so that steps and periods of a function are not all met alike.
AFFINE_STEPS = (0.8125, 0.3 * 2.0**-5, 0.7 * 2.0**-12)

# Elements whose secants are taken at once: nine arrays of them are 288 KB. With 1,024, a product of 4,096
# elements takes a third longer.
COLUMNS_IN_CACHE = 4096

# Entries whose bars are rounded at once: of half a million in one, it takes half as long again.
ENTRIES_AT_ONCE = 32768

# Bytes of the largest array whose memory is used again. Twice as much may stay with the process.
LARGEST_REUSED = 2**24

# The imaginary step of slopes that are taken along it: its square is 0 beside any number, and slopes from
# 1e-108 up are normal numbers of it.
COMPLEX_STEP = 1e-200
# Units of 2**-52 that such a slope and the rule's number may be apart, and may both be off: each is a few
# roundings of a library's function, of one ulp or two.
COMPLEX_ROUNDINGS = 16
# Of |x|, or of max(|x|, 1): the step of the differences that have to confirm it, which bends 2e-8 for a bend
# of the size of the slope and rounds to 2e-12.
CONFIRMING_STEP = 0.9 * 2.0**-12
# Relative: what these may be off. A slope that is wrong because abs dropped the imaginary part is off by all
# of itself.
CONFIRMED = 1e-6

# Relative to the inputs: how far beside the given point a traced graph is compared with its function (for
# short floats the root of their unit), what the two may differ by in units of the floats, and as a share of
# how far they moved. Two branches that part by 2**-7 of the slope part by more than that. Where they part, a
# condition may have changed on the way: the nearer points leave 1 in 32 of those, and let slopes part by
# 2**-42 / 2**-22 = 1e-6 of themselves at most, which is less than `DETECT`.
NEARBY = 2.0**-17
NEARER = 2.0**-22
NEARBY_AGREEMENT = 2.0**10
NEARBY_SHARE = 2.0**-7

# Relative to an entry and to the largest of an input: so near to what the graph gives for an upstream
# gradient a claim is right without a check of its own, as the graph's derivatives have been checked.
SAME_AS_GRAPH = 1e-9
SAME_AS_GRAPH_SMALL = 1e-14

# Output elements that have a row each; of a larger output, 8 random mixtures of its elements have.
MOST_ONE_HOT = 64
MIXED_ROWS = 8
# Wrong coordinates for which an element of such an output is looked for: log2(m) calls of backward each, and
# 17 of forward for each of so many coordinates that the row of the element is judged at.
MOST_LOCATED = 32
MOST_IN_ROW = 64
# Of max(|x|, 1): the cube root of the roundoff, at which the error of a central difference is least.
SECANT_STEP = 2.0**-17

# Runs at the same values. A coin that falls once in ten calls shows in all but 3 % of so many; with those
# at the ends of lines and the claims', measured on 300 functions: 8 leave 6 unseen, 32 leave 1.
REPEATS = 32
# Coordinates whose steps are all taken once more, for chance that does not show at the point itself.
REPEATED_COORDINATES = 2
# Times that claims are asked for again, all rows together.
CLAIM_REPEATS = 8
# Relative to 1 or the output, and to the largest claim: less than that is made by threads that add up in
# another order, 2**-52 of terms up to 64 times as large. With 2**-40 noise of 1e-12 passes for that.
ROUNDING_SCATTER = 2.0**-46
# Relative: two calls add the same but for the rounding of what they are added to, up to 1e6 times as large.
SAME_INCREMENT = 1e-9

# Operations on numbers of many digits that the check of a black box takes at most: some 1 to 2 s.
MOST_BLACK_BOX_OPERATIONS = 400_000

# Relative to 1 or the output: a function gives this much the same on numbers of many digits. Of a function
# that cancels float64 leaves little.
ALIKE = 1e-5

# Values reached by a function, in search of such as take addresses: a larger program is not searched further.
MOST_REACHED = 2000

# Names of entries, and numbers of an upstream gradient, in one sentence.
MOST_ENTRY_NAMES = 3
MOST_WEIGHTS = 4
# Elements of the output whose part in what is wrong is looked at, to name them; each costs a check.
MOST_ELEMENTS_NAMED = 8

# The looser values of `detect` that a report may propose; beyond, it is no check.
LOOSER_DETECTS = (1e-4, 1e-3, 1e-2)
# Relative noise of a function, measured by third differences over steps of 2**-22 of its inputs: that of
# float32 is some 2**-24, of inner values that may be 64 times smaller or larger than the output.
FLOAT32_NOISE = (2.0**-30, 2.0**-18)

# --- claims in numbers ---------------------------------------------------------------------------

# Significant digits of a number that nobody typed: a program printed it in full.
FULL_DIGITS = 12
# Roundings of the formula by bpx's own rules: another right formula of the same derivative may lose so much
# more. Four ways to write that of tanh lose up to twice as much.
OTHER_FORMULA = 4
# Units of rounding that saturated terms of size 1 leave of such a formula: 3 of tanh, up to 16 with factors
# around it. Where a quotient makes more of it, what one way to compute gives says nothing of another.
PLAIN_ROUNDING = (0.25, 16.0)
# Units of rounding of float32 or float16, 2**-23 and 2**-10, of the largest number of an array, that a right
# computation may be off. Measured on 599 gradients of random tanh networks of one to five layers in float32:
# 1.3 in the middle, 18 at the 99th percentile, 123 at most.
SINGLE_ROUNDINGS = 128
# Times that a gradient is computed with random roundings, to see how far short floats may move it: in one of
# 10⁸ cases all eight stay below a tenth of the standard deviation.
ROUNDED_RUNS = 8
# Times the farthest of them that a right program may be off.
ROUNDED_SAFETY = 8.0

# --- blame --------------------------------------------------------------------------------------

# Further points at which a claimed formula is compared with the catalogue of mistakes, to tell look-alikes
# apart.
SECOND_LOOKS = 3
# Edges above a node that a claim is searched through for the mistake, each a sweep.
MOST_SEARCHED = 60
# Wrong claims of a graph whose causes are looked for, those nearest to the output: 0.02 s each.
MOST_WRONG_CLAIMS = 100
# Relative: rounding of what claims pass on, about 4e6 units.
CLAIM_ROUNDING = 1e-9
# Relative: a claim whose last digit leaves more open fits too many mistakes.
VAGUE = 0.02
# How far args of a composite op are moved, relative to them, so that no two elements tie, and at how many
# points.
COMPOSITE_NEAR = 1e-3
COMPOSITE_POINTS = 3
# Relative: a rule of a composite op that is wrong by less is taken for right; and in units of the largest
# number, what parts that cancel leave open.
COMPOSITE_APART = 1e-6
COMPOSITE_ROUNDING = 1e-10
# Elements of a composite op on which many digits are tried.
MOST_EXACT_COMPOSITE = 1000
# Rules that a spec states are checked at up to so many of the args drawn, of those that lie in the domain;
# they are drawn from ± the reach.
CUSTOM_POINTS = 64
CUSTOM_DRAWS = 4096
CUSTOM_REACH = 4.0
# Relative: how well a known mistake must reproduce the claimed numbers to be named: far above rounding, and
# far below what tells one mistake from another.
PATTERN_CLOSE = 1e-6
# Of what a claim is off by: a mistake that leaves more of it unexplained explains nothing.
LEFT_UNEXPLAINED = 0.1
# Relative to the largest number: what a computation in float32 may be off by, 64 roundings of 2**-24.
SINGLE_PRECISION = 64 * 2.0**-24
# Entries of an array that a mistake is said of, by index.
MOST_ENTRIES_NAMED = 4
# In units of the largest slope met: what a sum that cancels may leave between a prediction and a claim.
PATTERN_ROUNDING = 1e-10
# Relative: a claim whose written digits leave more open has few digits, and fewer mistakes are tried on it.
COARSE_CLAIM = 1e-3
# Relative: a predicted change that is smaller, and a factor that is nearer to 1, explain nothing.
NO_CHANGE = 1e-9
NEARLY_ONE = 1e-4
# Mistakes named for one culprit, the likeliest first; more would not be read.
MOST_NAMED = 3
# Of an array output too large for a row each: so many elements are looked at one by one where somebody is
# to blame, by at most so many coordinates; the step of the central differences, relative to max(|x|, 1),
# leaves nine digits.
BLAMED_OUTPUTS = 24
BLAMED_COORDINATES = 256
PATTERN_STEP = 6e-6
# In units of the largest: what is left of the digits where a layer is solved for; PATTERN_CLOSE of entries
# that a matrix of condition 100 has mixed.
HIDDEN_CLOSE = 1e-7
# What is added to a variance, so that its root is not 0, is no larger than this.
LARGEST_EPS = 1e-2
# Random directions in which a claim of another shape must give the right slope, to be called right otherwise.
SHAPE_LOOKS = 2
# Elements of an array around a function that may have slipped into its gradient.
LARGEST_NAMED = 10_000
# Nodes of an op's own formula in which slips are tried: as many as somebody would write by hand.
MOST_FORMULA_NODES = 100
# Ops in a right gradient written out down to names; a longer one stops at the consumers of the node.
MOST_IN_A_CORRECTION = 20
# Ops that a correction by the consumers of a node may have; beyond, its numbers say more. What occurs twice
# is written twice, so that the rule of a network that sorts 24 elements would take 2^20 ops and more.
LONGEST_CORRECTION = 200
# Nodes without a name of their own that a corrected rule may explain beside it.
MOST_EXPLAINED = 6
# Elements of a slice whose diagonal is worked out, one sweep through the parts of the op for each.
MOST_DIAGONAL = 64
# Further points at which an edge is sampled, and how far its args are moved, relative to them: the first
# share that stays on the same side of every guard is taken; far away, whatever the side.
EDGE_POINTS = 4
NEAR_SHARES = (0.5, 0.1, 0.01)
FAR_SHARES = (3.0, 1.0)

# --- short formulas -----------------------------------------------------------------------------

# Relative: how well a short formula must give a number that is stated in full: far above what rounding leaves
# of a formula that hardly cancels (1e-13), and far below what tells one formula from another.
FORMULA_CLOSE = 1e-9
# Relative to the largest of a formula's values: two formulas whose values are so close are one. Rounding
# within formulas of size 3 is a few units of 1e-16.
EQUAL_FINGERPRINTS = 1e-12
# Points by which it is told how much a target says, of those that there are.
MOST_TELLING_POINTS = 256
# A formula of larger values is of no use, and its square would overflow.
LARGEST_FINGERPRINT = 1e100
# Points that formulas are searched by, 8 bytes each for each member of the bank; hits must hold at all.
FINGERPRINT_POINTS = 6
# Formulas that one level of the bank may be sifted from: 150,000 take about 0.1 s.
MOST_CANDIDATES = 150_000
# Sizes of the formulas in the bank; two of them are put together, so that twice as much is reached.
LARGEST_BANK_SIZE = 4
# Binary digits that one point may count for: what FORMULA_CLOSE leaves of a number.
MOST_BITS = 30.0
# Binary digits that must be explained beyond those that say which of the formulas looked at it is: numbers
# that come from elsewhere are explained once in 2**20 times.
SURE_BITS = 20.0
# Sums in a formula that have formulas as terms; with more of them it is not for reading, and a number may
# hide in it.
MOST_SUMS_OF_FORMULAS = 1
# Formulas of equal size among which the most readable is chosen.
MOST_HITS = 64
# Formulas that fit at the points searched by and are evaluated at all; each takes about 0.1 ms.
MOST_CONFIRMED = 512
# Pairs of formulas that fit at one point and are compared at the others: 2**18 take about 0.02 s.
MOST_PAIRS_LOOKED_UP = 2**18
# Formulas of whole arrays, and operations that they may take together: 0.05 s.
MOST_ARRAY_TERMS = 300
# Products of arrays, with a bias or without, of which the usual functions are looked at too.
MOST_LAYERS = 12
# Pairs of arrays whose differences are looked at, and multiplied with others.
MOST_DIFFERENCES = 100
MOST_TERM_OPERATIONS = 2**24
# Names, numbers and functions that a claim is looked for in, the nearest first: with 10 names a bank has
# 20,000 members, and a search takes 0.1 s.
MOST_NAMES_IN_SCOPE = 10
MOST_CONSTANTS_IN_SCOPE = 3
MOST_FUNCTIONS_IN_SCOPE = 5
# Relative to the right number: what rounding leaves of the difference to a claim.
DIFFERENCE_ROUNDING = 1e-12
# Of the length of a claimed formula: one that gives the same is worth telling if it is so much shorter.
SHORTER = 0.6
# Further points at which the shorter form of a right derivative must hold.
TEXTBOOK_POINTS = 8
# Parts of a right derivative (names, numbers, operations) that nobody needs a shorter form of: `2 * x * y`.
SHORT_ENOUGH = 5
# How many times as long as a chain rule that starts at other gradients a form without these may be.
TEXTBOOK_LENGTH = 2
# Inputs whose signs are turned, one by one and all at once, to see that the shorter form is defined wherever
# the derivative is: sqrt(y) / (2 * sqrt(x)) is not that of sqrt(x * y).
MOST_SIGNS_TURNED = 6
# Relative: how well the shorter form must hold in 90 digits, and at how many points. Constants of rules, as
# the 1/n of a mean, have float64's digits (FLOAT_CONSTANT_ROUNDING).
IDENTITY_CLOSE = 1e-14
IDENTITY_POINTS = 4

# Denominators of fractions that a float64 number may mean: two of those differ by 1e-6, far more than
# rounding.
LARGEST_DENOMINATOR = 1000
# Characters of a decimal that reads as well as a fraction: `2.5`, `0.25`, but `2 / 3`.
SHORT_DECIMAL = 4
# Characters of a number that is read: longer ones are digits of a fraction, nearly always.
LONGEST_LITERAL = 10
# Terms of a polynomial that is multiplied out, and exponents of a factor: nobody reads larger ones, and
# multiplying them out takes more than 10 ms.
MOST_TERMS = 120
LARGEST_POWER = 12
# Whole numbers in a sum up to which it is written with these.
LARGEST_COEFFICIENT = 50
# Points and digits by which a short form is proved where algebra alone does not prove it, and the fewest
# points where operations are dear. A formula that holds by chance does so to a few digits.
PROOF_POINTS = 64
FEWEST_PROOF_POINTS = 8
PROOF_DIGITS = 50
# What vanishes in the gradient may be so much in the form: 90 digits lose 10 where terms of size 1 cancel.
PROOF_ZERO_DIGITS = 80
# Operations on numbers of many digits that the points of all proofs of one graph may take: 5 µs each, 0.5 s.
MOST_PROOF_OPERATIONS = 100_000
# Operations in a gradient that is simplified at all, and in a form in names alone that is short enough.
MOST_SIMPLIFIED = 60
SHORT_CLOSED_FORM = 1
# Gradients of one graph for which short formulas are searched: 0.03 s each.
MOST_SEARCHED = 40
# Operations in a second form, shown beside the shortest since it speaks of no other gradient.
MOST_IN_A_CLOSED_FORM = 5

# --- changes of the right gradient --------------------------------------------------------------

# Changes of one name that are tried, each two runs of the graph; 300 take 0.1 s in a graph of 50 nodes.
MOST_SUBSTITUTED = 300
# And elements of all graphs that are run for it: 2**22 take 0.1 s.
MOST_SUBSTITUTED_ELEMENTS = 2**22
# Nodes that are tried in the place of others, and in whose place others are tried.
MOST_SUBSTITUTES = 40
# Characters of the wrong and the right form of a slip together; of a longer one only the wrong form is shown.
LONGEST_SLIP = 160
# Nodes by which a gradient may have been multiplied or divided once too often.
MOST_FACTORS = 60
# Named arrays of three axes or more that are tried turned round, as kernels may be.
MOST_KERNELS = 4
# Learning rates that weights may have been updated with before a gradient was taken.
LEARNING_RATES = (0.1, 0.01, 0.001, 0.5, 1.0, 0.05)
# Relative to the largest number: figures that are farther off did not come about by rounding on the way.
ROUNDING_CLOSE = 0.1
# Characters of a node's text that stand in a sentence.
LONGEST_PLACE = 60

# --- one cause for several claims ---------------------------------------------------------------

# Elements of a node whose wrong gradient is solved for: a sweep for each, below the node.
MOST_SOLVED = 64
# Nodes that are looked at for such a gradient, those above the most claims first.
MOST_CAUSES = 24
# Relative to the claims: what rounding, in them and in the sweep, leaves of what they are off by.
CAUSE_ROUNDING = 1e-14

# --- decimal digits ------------------------------------------------------------------------------

# A power of ten: below the smallest float64 number, 5e-324, whose first digits must have a unit too.
LEAST_POWER = -330

# Decimal digits: what NumPy's logarithm of a power of ten may be off by, on any processor. It is off by a few
# units in the last place of at most 324, 1e-13; a number this close to a power of ten counts as that power.
OFF_A_POWER = 1e-9
