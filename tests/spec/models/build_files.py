"""Builds the `.pt2` files of these tests, with PyTorch's own gradients beside them.

Run once, with torch 2.13: python tests/spec/models/build_files.py. The tests run without torch.
"""

import json
import re
import zipfile
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

FILES = Path(__file__).parent / "files"


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
        self.out = nn.Linear(4, 2)

    def forward(self, x, y):
        h = torch.tanh(self.layers(x))
        z = self.out(h)
        return F.cross_entropy(z, y)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(5, 4)
        self.norm = nn.LayerNorm(4)
        self.qkv = nn.Linear(4, 12)
        self.head = nn.Linear(4, 5, bias=False)
        self.head.weight = self.words.weight
        self.register_buffer("mask", torch.tril(torch.ones(3, 3)))

    def forward(self, ids, targets):
        x = self.words(ids)
        q, k, v = self.qkv(self.norm(x)).split(4, dim=2)
        scores = q @ k.transpose(-2, -1) / 2
        scores = scores.masked_fill(self.mask == 0, float("-inf"))
        x = x + F.softmax(scores, dim=-1) @ v
        logits = self.head(x)
        return F.cross_entropy(logits.view(-1, 5), targets.view(-1))


class Convolution(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3, padding=1)
        self.fc = nn.Linear(8, 2)

    def forward(self, x, y):
        h = F.max_pool2d(F.relu(self.conv(x)), 2)
        return F.mse_loss(self.fc(h.flatten(1)), y)


def cubed(x):
    """A number that says of each element where it stands and how large it is."""
    return (x**3 * torch.linspace(0.5, 1.5, x.numel(), dtype=x.dtype).reshape(x.shape)).sum()


class Operations(nn.Module):
    """Each operation with an input of its own, the gradient of which tells whether it is read right."""

    def __init__(self):
        super().__init__()
        self.ct1 = nn.ConvTranspose1d(4, 2, 3, stride=2, padding=1, output_padding=1, groups=2)
        self.ct2 = nn.ConvTranspose2d(2, 3, (2, 3), stride=2, padding=(0, 1))
        self.gn = nn.GroupNorm(2, 4)
        self.rms = nn.RMSNorm(4)
        self.register_buffer("sign", torch.tensor([1.0, -1.0, 1.0]))

    def forward(
        self, ct1, ct2, gn, rms, mp, mpd, ap, aa, am, a1, up, upc, upn, up1, padr, pade, padc, roll, rollf,
        rep, inv, solve, chol, eig, eigv, kron, cross, gam, mod, sort, topk, tri, cos, poi, sinc,
    ):  # fmt: skip
        positive = chol @ chol.T + torch.eye(3, dtype=chol.dtype)
        parts = [
            self.ct1(ct1),
            self.ct2(ct2),
            self.gn(gn),
            self.rms(rms),
            F.max_pool2d(mp, 3, 2, 1, ceil_mode=True),
            F.max_pool2d(mpd, 2, 1, 0, 2),
            F.avg_pool2d(ap, 3, 2, 1, ceil_mode=True, count_include_pad=False),
            F.adaptive_avg_pool2d(aa, (3, 4)),
            F.adaptive_max_pool2d(am, (3, 4)),
            F.adaptive_avg_pool1d(a1, 2),
            F.interpolate(up, scale_factor=2, mode="bilinear", align_corners=False),
            F.interpolate(upc, size=(5, 3), mode="bilinear", align_corners=True),
            F.interpolate(upn, size=(5, 3)),
            F.interpolate(up1, size=5, mode="linear"),
            F.pad(padr, (1, 2, 0, 1), mode="reflect"),
            F.pad(pade, (1, 2, 0, 1), mode="replicate"),
            F.pad(padc, (1, 2, 0, 1), mode="circular"),
            torch.roll(roll, (1, 2), (0, 1)),
            torch.roll(rollf, 2),
            rep.repeat(2, 1, 2),
            torch.linalg.inv(inv) + torch.linalg.det(inv) + torch.trace(inv),
            torch.linalg.solve(solve, solve.T + 1),
            torch.linalg.cholesky(positive),
            torch.linalg.eigvalsh(eig + eig.T),
            torch.linalg.eigh(eigv @ eigv.T)[0],
            torch.kron(kron, kron + 1),
            torch.linalg.cross(cross, cross.flip(1) ** 2),
            torch.lgamma(gam) + torch.digamma(gam) + torch.special.polygamma(2, gam) + torch.erfc(gam),
            torch.remainder(mod, 0.7),
            torch.sort(sort, 0, descending=True)[0],
            torch.topk(topk, 2)[0],
            F.triplet_margin_loss(tri, tri.flip(0), tri**2, margin=3.0),
            F.cosine_embedding_loss(cos, cos.flip(1), self.sign, margin=-0.9, reduction="none"),
            F.poisson_nll_loss(poi, poi**2, full=False),
            torch.sinc(sinc),
        ]
        return torch.stack([cubed(part) for part in parts]).sum()


class Missing(nn.Module):
    def forward(self, x):
        a = torch.special.i0(x)
        b = torch.special.i1(x)
        return (a + b + torch.special.i1(b)).sum()


SHAPES = [
    *[(2, 4, 3), (2, 2, 3, 3), (2, 4, 3), (2, 4)],
    *[(1, 2, 6, 7)] * 3,
    *[(1, 2, 5, 7), (1, 2, 5, 7), (1, 2, 5)],
    *[(1, 2, 3, 4)] * 3,
    (1, 2, 3),
    *[(1, 2, 3, 4)] * 3,
    *[(3, 4)] * 3,
    *[(3, 3)] * 5,
    *[(2, 2), (2, 3), (4,), (4,), (4, 3), (2, 5), (2, 4), (3, 4), (2, 3), (5,)],
]


def repack(path):
    """The same file, compressed and without the paths of the machine that it was built on."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            if name.endswith("models/model.json"):
                text = re.sub(r"/[^\"\n]*?/site-packages/", "/lib/site-packages/", data.decode())
                data = text.replace(f"{Path(__file__).parent}/", "").encode()
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)


def write(name, model, args):
    model = model.double().eval()
    program = torch.export.export(model, args)
    torch.export.save(program, FILES / f"{name}.pt2")
    repack(FILES / f"{name}.pt2")
    leaves = dict(model.named_parameters())
    names = program.graph_signature.user_inputs
    inputs = [arg.requires_grad_() if arg.is_floating_point() else arg for arg in args]
    leaves |= {n: arg for n, arg in zip(names, inputs, strict=True) if arg.is_floating_point()}
    value = model(*inputs)
    gradients = torch.autograd.grad(value, list(leaves.values()))
    text = {
        "inputs": {n: arg.tolist() for n, arg in zip(names, inputs, strict=True)},
        "value": value.item(),
        "gradients": {n: g.tolist() for n, g in zip(leaves, gradients, strict=True)},
    }
    (FILES / f"{name}.json").write_text(json.dumps(text), encoding="utf-8")


if __name__ == "__main__":
    torch.manual_seed(0)
    write("net", Net(), (torch.randn(5, 3).double(), torch.tensor([0, 1, 1, 0, 1])))
    ids = torch.tensor([[0, 2, 4], [1, 1, 3]])
    write("attention", Attention(), (ids, ids.flip(1)))
    write("convolution", Convolution(), (torch.randn(2, 1, 4, 4).double(), torch.randn(2, 2).double()))
    write("operations", Operations(), tuple(torch.randn(*shape).double() for shape in SHAPES))
    write("missing", Missing(), (torch.rand(3).double() + 1,))
