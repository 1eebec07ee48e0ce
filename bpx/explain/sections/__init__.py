"""The sections of an explanation, one class in one file each, in the order in which people see them."""

from __future__ import annotations

from bpx.explain.measures.cost import Cost
from bpx.explain.measures.sensitivity import Sensitivity
from bpx.explain.query.section import Section
from bpx.explain.sections.accuracy import Accuracy
from bpx.explain.sections.expansion import Expansion
from bpx.explain.sections.expect import Expected
from bpx.explain.sections.forward import Forward
from bpx.explain.sections.gradients import Gradients
from bpx.explain.sections.higher import HigherDerivatives
from bpx.explain.sections.paths import Paths
from bpx.explain.sections.patterns import Patterns
from bpx.explain.sections.reverse import Reverse
from bpx.explain.sections.second import SecondDerivatives
from bpx.explain.sections.step import Step
from bpx.explain.sections.tree import Tree
from bpx.explain.short.short_forms import ShortForms

SECTIONS: tuple[type[Section], ...] = (
    Tree,
    Forward,
    Expansion,
    Reverse,
    Gradients,
    ShortForms,
    Paths,
    SecondDerivatives,
    HigherDerivatives,
    Step,
    Sensitivity,
    Cost,
    Patterns,
    Expected,
    Accuracy,
)
