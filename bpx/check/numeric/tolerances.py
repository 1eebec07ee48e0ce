"""Every tuned number of the check in one place: its unit, and why it has the value it has.

A number stands here if another value would give other verdicts or other costs. Counts of steps mean steps of
the ladder, each a quarter of the one before; "relative" means relative to the larger of the two numbers
compared; budgets say in their names what they count.

"Measured" refers to `tests/benchmarks/corpus.py`: correct gradients of scalar and array functions at easy and
at hard points, and the same with planted mistakes. As it stands, in float64 alone, the check passes 1,210 of
1,328 correct smooth gradients, leaves the others open, and never calls one wrong; "×10: 3 false alarms" says
what became of that with ten times the value. What is called insensitive changed fewer than three verdicts
of some 3,300 either way.
"""

from __future__ import annotations

# --- float64 -------------------------------------------------------------------------------------

# The spacing of the numbers from 1 to 2, and the largest relative error of one rounding, half of it: the u of
# Higham, Accuracy and Stability of Numerical Algorithms (2nd ed., SIAM 2002), section 2.1.
EPSILON = 2.0**-52
UNIT_ROUNDOFF = 2.0**-53

# --- verdicts ------------------------------------------------------------------------------------

# Error bars; so many of them a verdict takes for certain. Measured on the prototype: 1 gave 6 false alarms, 3
# and 10 none, 100 left 40 more gradients open.
SAFETY_FACTOR = 10.0

# --- sums of ErrorBounds -------------------------------------------------------------------------

# Machine epsilons that a sum loses besides log2 of the number of its terms: NumPy's loop of eight strands
# (see `error_bound._additions`, where the bound is derived).
SUM_STRANDS = 8.0

# --- the ladder of steps -------------------------------------------------------------------------

# From one step to the next. 2 costs twice the evaluations for the same range; @RATIO@
STEP_RATIO = 4.0
# Of max(|x|, 1). No round number: sin(2πx) with h = 1, ½, ¼ looks flat. @FIRST@
FIRST_STEP = 0.37
# Steps evaluated by the end of each stage. 8 steps reach down to 2e-5, where a smooth claim is confirmed to
# 1e-7; 64 reach 2⁻¹²⁷, far below the last step for any x but one next to 0.
STAGE_STEPS = (8, 16, *range(24, 65, 4))
# Of |x|: the ladder ends where a step has ten bits left above the rounding of x. At x = 0 there is no rounding,
# and 2⁻⁶⁶ is well below the rounding of any inner value of size 1.
LAST_STEP = 2.0**-42
LAST_STEP_AT_ZERO = 2.0**-66
# Of |x|: inner values of size 1 may be frozen below 2⁻⁵⁰ max(|x|, 1), four units of their last place.
INNER_ROUNDING_STEP = 2.0**-50
# Steps: the slopes "around" x are those of the largest four usable steps, at smaller ones rounding makes slopes.
SLOPE_SCALE_STEPS = 4
# Units of inner rounding up to which a residual is explained: two values, each off by one unit both ways.
KNOWN_ROUNDINGS = 4

# --- flat functions, and stairs of inner rounding ------------------------------------------------

# Unit roundoffs of max(|f|, 1) that may hide where f does not change by a bit: one for each of two values,
# doubled for an inner value that rounds the other way.
FLAT_ROUNDINGS = 4
# Halvings of the bracket around the first change: a factor of 10⁶. @BISECTIONS@
QUANTUM_BISECTIONS = 20
# Of the change in the middle of the bisection: a rounding keeps its height, and 1/64 lets it vary; the end of a
# plateau, even where f leaves it linearly, has fallen to 1/1024 by then.
QUANTUM_LASTS = 1 / 64

# --- one-sided slopes and their gap --------------------------------------------------------------

# From step to step: the gap of a smooth function falls to 1/4; at a kink it stays. One half lies between.
CLOSING_RATIO = 0.5
# Units of rounding of f, over h, that a gap may have besides: two quotients of two values each.
CLOSING_ROUNDINGS = 4
# Steps below the one that a slope rests on at which the gap must close; the half keeps rounding of the steps
# from deciding about the fourth.
CLOSING_REACH = 3.5
# Of the gap: at steps where rounding makes more of it, the gap says nothing.
MEETING_ROUNDING = 0.05
# The smallest such steps, and the share of the gap to which the slopes must close at one of them.
MEETING_STEPS = 4
MEETING_SHARE = 0.5

# --- slopes without bound ------------------------------------------------------------------------

# Smallest steps over which slopes must grow, 4,000 times in h, and by how much from step to step: by 4^(1-p)
# where f goes like |h|^p, so that 1.3 means p < 0.81, and by 4 at a jump, 1.1 times that with rounding.
STEEP_STEPS = 6
SLOWEST_GROWTH = 1.3
FASTEST_GROWTH = 1.1
# Units of rounding of f: so large a change at the smallest step is no noise, which grows as steadily.
STEEP_ROUNDINGS = 1e3

# --- extrapolation -------------------------------------------------------------------------------

# Polynomials through 1, 2, 3 and 4 neighbours: errors of h², h⁴, h⁶ and h⁸. @ORDERS@
POLYNOMIAL_ORDERS = 4
# Times the change to the next candidate, or the noise: what is measured at a few steps is no upper bound.
TRUNCATION_FACTOR = 3
# Units of rounding of f that a residual may come to without being noise from within f: two values in each of
# two quotients, and twice that.
ROUNDING_MARGIN = 8
# Of the slopes around: a derivative of 0 has no size of its own to be relative to.
STATIONARY_SHARE = 1e-3
# Relative: an estimate this good says something. @KNOWN@
WELL_KNOWN = 1e-3
# Smaller steps above the inner rounding that put a candidate into the first and second class of trust, and
# what each further class multiplies its error by. Without them: 3 false alarms on the prototype (trap: a
# smooth, wrong slope below the rounding of an inner value).
TRUST_STEPS = (8, 5)
TRUST_FACTOR = 10.0
# Times the noise met above a candidate that is not there below it, over h.
FROZEN_FACTOR = 10
# Steps above the inner rounding: nothing that froze is smooth over so many, 10⁸ in h. @LONG@
FROZEN_STEPS = 14
# Of the rounding of f: a residual of a hundredth of f itself is no rounding. @WILD@
LARGEST_NOISE = 1e-2 * 2.0**52

# --- the nature of residuals ---------------------------------------------------------------------

# Of the peak: where less is left at the smallest steps, the noise is not there. @QUIET@
QUIET_SHARE = 0.02
# Smallest steps that are looked at together. @TAIL@
TAIL_STEPS = 4
# Steps at which a residual that shrinks with them shows; noise shows at more. @BRIEF@
BRIEF_STEPS = 3
# Of the peak: less does not count as seen.
VISIBLE_SHARE = 0.05
# From step to step: a residual that doubles as h falls is noise; one of a kink never grows.
GROWING_RESIDUAL = 2
# Of the step ratio: plain truncation falls as the steps do, to within 40 %.
FALLING_LOW = 0.6
FALLING_HIGH = 1.4

# --- claims and estimates ------------------------------------------------------------------------

# Relative: a claim this close to a candidate with an error this small needs no further look. A hundredth of
# what a check must see by default (1e-5), so that no claim is settled that a verdict would reject. @SETTLED@
SETTLED = 1e-7
# Relative: a claim that no quotient comes this close to is wrong, or at a hard point: no use in a first look.
# @NEAR@
HOPEFUL_GAP = 0.1
# Steps: kinks among the first sixteen show in the one-sided slopes; residuals below are looked into. @QUICK@
QUICK_STEPS = 16
# Usable steps that a two-sided estimate needs: the four points of the highest polynomial. @FEWEST@
FEWEST_STEPS = 4
# And of one side alone, where one value stands in for f(x) and the rest must show that the slope is steady.
FEWEST_STEPS_ONE_SIDED = 8
# |x| below which a second ladder, scaled to |x|, is tried: the first ends at 1e-20 for x next to 0.
SECOND_LADDER_BELOW = 1e-25
# Relative: values nearer to each other than that are one; a jump of less is taken for rounding. @CLOSE@
SAME_VALUE = 1e-9
# An estimate of one side replaces the central one where its error is so many times smaller: a one-sided
# polynomial of the same order is less accurate at a smooth point, by luck it may look better.
BETTER_SIDE_FACTOR = 3
# Numbers in the largest array of one chunk of columns, 8 MB; a multiple makes no faster.
LARGEST_CHUNK_ELEMENTS = 2**20

# --- many digits ---------------------------------------------------------------------------------

# Decimal digits: 30 for the step, 30 for its square in the truncation, 30 that may cancel.
DIGITS = 90
# Decimal digits tried where fewer do not settle a derivative: softmax of logits 1,000 apart needs 435.
MOST_DIGITS = 800
# Of |x|; and at x = 0, where nothing says what is small, below 1e-300 for second powers in float64's range.
MULTIPRECISION_STEP = 1e-30
MULTIPRECISION_STEP_AT_ZERO = 1e-40
# The second step is so many times smaller. What depends on h at all differs by as much between the two.
STEP_SHRINK = 1000
# Relative: a derivative that twice the digits change by less is settled. 16 digits are asked for.
DIGITS_SETTLED = 1e-20
# Relative: as long as the rounding of the digits carried allows for more, a derivative is not settled.
LARGEST_DIGITS_ROUNDING = 1e-3
# Units of rounding of inner values of size 1 in a quotient: two values, each off both ways.
MULTIPRECISION_ROUNDINGS = 4
# Relative: one-sided slopes this far apart are two. A second derivative 1e20 times the slope looks the same.
KINK_GAP = 1e-10
# From the wide step to the near one: a slope that grows like this has no limit. |h|^p grows by 1000^(1-p), so
# that p < 0.997 shows; x log|x| at 0 grows by a thirteenth, 1.075.
SLOPE_GROWTH = 1.02
# exp of more is infinite, or 0: its exponent alone would fill the memory.
LARGEST_EXPONENT = 10**9
# Binary digits of an angle before the point: reducing more takes too long.
LARGEST_ANGLE_BITS = 2**12

# --- one op alone: derivatives in many digits ----------------------------------------------------

# Relative: a derivative with an error this small, times the safety factor, is known better than float64 can
# state a claim (2e-16 per operation), so that the verdict rests on the claim alone.
EXACTLY_KNOWN = 1e-12
# Of the terms of a sum: a derivative of 0 is known if less can be left of them in 90 digits.
CANCELLED = 1e-35
# Of the terms of a sum: constants such as π stand in rules of bpx with float64's digits, 1.1e-16 each.
FLOAT_CONSTANT_ROUNDING = 1e-15
# Relative: a formula that agrees so closely in many digits is the right one. Between the 1e-15 of constants and
# the 1e-5 that a check must see; nobody writes a formula wrong by a billionth.
RIGHT_FORMULA = 1e-9
# Elements of a batch that are looked at again in many digits, in 0.5 s or so.
MOST_MULTIPRECISION_ELEMENTS = 500
# Elements that disagree and are looked at in many digits; if these are wrong, the others are as well.
WITNESSES = 4
# Units of rounding that the args and the value move by, to see what that does to a rule: those of one sign
# and of opposite ones; a move of both down is the first with its sign changed.
RULE_PERTURBATIONS = ((1, 1), (-1, 1), (1, -1))

# --- one op alone: rounding of values and sketches -----------------------------------------------

# Machine epsilons for each doubling of the terms of a sum: pairwise summation loses one half, strands of
# 16 and BLAS kernels of unknown order more.
SUM_ROUNDINGS = 4.0
# A rule that is wrong at all passes a sketch only if its error is orthogonal to random weights.
SKETCHES = 3
# Machine epsilons times √terms that the two sides of a sketch may differ by. It was 64; the room beyond what
# was met is what a wrong element can hide in. @SKETCH@
SKETCH_RANDOM_WALK = 24.0
# Machine epsilons for each element of the longest axis, where sums are added up one after the other.
SKETCH_SEQUENTIAL = 0.5

# --- one op alone: sizes -------------------------------------------------------------------------

# Entries of a Jacobian that is written out: 32 MB, and so many columns of differences.
LARGEST_JACOBIAN_ENTRIES = 2**22
# Elements of all slices that one step of the differences moves: 256 MB if they were computed at once.
LARGEST_SEARCH_ELEMENTS = 2**25
# Elements of a batch of basis vectors, or of moved slices: 32 MB.
LARGEST_BATCH_ELEMENTS = 2**22
