"""The check that a module runs when it is called: its gradients against those of another method."""

from __future__ import annotations

from collections.abc import Sequence

from bpx.words.say import say

_DIFFERENCES = '''
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
_NUMPY = '''
def check():
    """{about}"""
    values = inputs()
    output, cache = forward(**values)
    print({output!r}, "=", output)
    for name, gradient in backward(np.ones(np.shape(output)), cache).items():
        error = np.max(np.abs(gradient - differences(values, name)), initial=0)
        print(f"gradient by {{name}}, within {{error:.1e}} of {reference}:", gradient, sep="\\n")
'''
_TORCH = '''
def check():
    """{about}"""
    values = inputs()
    output, cache = forward(**values)
    print({output!r}, "=", output)
    leaves = {{name: values[name].clone().requires_grad_() for name in {wrt!r}}}
    total = forward(**{{**values, **leaves}})[0].sum()
    for name, gradient in backward(torch.ones_like(output), cache).items():
        expected = torch.zeros_like(gradient)
        if total.requires_grad:
            (found,) = torch.autograd.grad(total, leaves[name], retain_graph=True, allow_unused=True)
            expected = expected if found is None else found
        error = (gradient - expected).abs().sum()
        print(f"gradient by {{name}}, within {{error:.1e}} of {reference}:", gradient, sep="\\n")
'''
_JAX = '''
def check():
    """{about}"""
    values = inputs()
    output, cache = forward(**values)
    print({output!r}, "=", output)
    for name, gradient in backward(jnp.ones(output.shape), cache).items():
        expected = jax.grad(lambda x: jnp.sum(forward(**{{**values, name: x}})[0]))(values[name])
        error = jnp.sum(jnp.abs(gradient - expected))
        print(f"gradient by {{name}}, within {{error:.1e}} of {reference}:", gradient, sep="\\n")
'''
_MAIN = """

if __name__ == "__main__":
    check()
"""
_CHECKS = {"numpy": _DIFFERENCES + _NUMPY.lstrip(), "torch": _TORCH, "jax": _JAX}


def check_of(library: str, output: str, wrt: Sequence[str]) -> str:
    """The functions of the check, and the call of them."""
    reference = say(f"code.{library}-reference")
    about = say("code.check", reference=reference)
    head, _, tail = _CHECKS[library].rpartition("def check")
    head = head.format(about=say("code.numpy-differences"))
    tail = tail.format(about=about, output=output, wrt=list(wrt), reference=reference)
    return f"{head}def check{tail}{_MAIN}"
