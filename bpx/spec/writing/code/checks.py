"""The check that a module runs when it is called: its gradients against those of another method."""

from __future__ import annotations

from collections.abc import Sequence

from bpx.words.say import say

_DIFFERENCES = '''\
def differences(values, name, h=1e-6):
    """{about}"""
    x = values[name]
    slopes = np.zeros(x.shape)
    for at in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[at] += h
        down[at] -= h
        change = forward(**{{**values, name: up}})[0] - forward(**{{**values, name: down}})[0]
        slopes[at] = np.sum(change) / (2 * h)
    return slopes


'''
_START = '''\
def check():
    """{about}"""
    values = inputs()
    output, cache = forward(**values)
    print({output!r}, "=", output)
'''
_NUMPY = """\
    for name, gradient in backward(np.ones(np.shape(output)), cache).items():
        error = np.max(np.abs(gradient - differences(values, name)), initial=0)
"""
_TORCH = """\
    leaves = {{name: values[name].clone().requires_grad_() for name in {wrt!r}}}
    total = forward(**{{**values, **leaves}})[0].sum()
    for name, gradient in backward(torch.ones_like(output), cache).items():
        expected = torch.zeros_like(gradient)
        if total.requires_grad:
            (found,) = torch.autograd.grad(total, leaves[name], retain_graph=True, allow_unused=True)
            expected = expected if found is None else found
        error = (gradient - expected).abs().sum()
"""
_JAX = """\
    for name, gradient in backward(jnp.ones(output.shape), cache).items():
        expected = jax.grad(lambda x: jnp.sum(forward(**{{**values, name: x}})[0]))(values[name])
        error = jnp.sum(jnp.abs(gradient - expected))
"""
_SHOW = """\
        print(f"gradient of {{name}}, within {{error:.1e}} of {reference}:", gradient, sep="\\n")
"""
_LONGEST_STEP = 80  # characters
_MAIN = """

if __name__ == "__main__":
    check()
"""
_ERRORS = {"numpy": _NUMPY, "torch": _TORCH, "jax": _JAX}  # what finds the error of each gradient


def check_of(library: str, output: str, wrt: Sequence[str], kinks: Sequence[str] = ()) -> str:
    """The functions of the check, and the call of them; `kinks` are the steps where differences mean less."""
    reference = say(f"code.{library}-reference")
    about = say("code.check", reference=reference)
    check = (_START + _ERRORS[library] + _SHOW).format(
        about=about, output=output, wrt=list(wrt), reference=reference
    )
    if kinks and library == "numpy":
        lines = [say("code.at-kink"), *(f"  {step:.{_LONGEST_STEP}}" for step in kinks)]
        check += "".join(f"    print({line!r})\n" for line in lines)
    helper = _DIFFERENCES.format(about=say("code.numpy-differences")) if library == "numpy" else ""
    return f"\n{helper}{check}{_MAIN}"
