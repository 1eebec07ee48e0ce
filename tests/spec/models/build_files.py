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


class Missing(nn.Module):
    def forward(self, x):
        a = torch.special.i0(x)
        b = torch.special.i1(x)
        return (a + b + torch.special.i1(b)).sum()


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
    write("missing", Missing(), (torch.rand(3).double() + 1,))
