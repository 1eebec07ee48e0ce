"""Command lines as people type them, and what comes of each.

- `out = 4 | x: 4, y: 4`: the output and its gradients
- `> …`: a part of what is written, where something else than an explanation is asked for
- `! code: …`: a diagnostic, and what it proposes

`{files}` is a directory with files of many kinds, `tests/typed_files.py`.
"""

VALUES = """
"(x+y)^2" x=3 y=-1
explain "(x+y)^2" x=3 y=-1
"(x+y)^2" --set x=3 --set y=-1
"(x+y)^2" --set "x=3, y=-1"
"(x+y)^2" --set "x=3 y=-1"
"(x+y)^2" x=3,y=-1
"(x+y)^2" "x=3; y=-1"
"(x+y)^2" x = 3 y = -1
"(x+y)^2" x= 3 y= -1
"(x+y)^2" x =3 y =-1
"-x^2" x=3
-x^2 x=3
explain -x^2 x=3
"-(y*log(a))" y=1 a=0.5
x=3 "x^2"
"x^2; x=3"
"x = 3; y = x^2"
"y = x^2" x=3
"f(x) = x^2" x=3
"z = w*x + b; a = sigmoid(z); L = (a - y)^2" w=0.5 x=2 b=0 y=1
"z = w*x
L = z^2" w=2 x=3
"x^2 # a comment" x=3
"x^2;" x=3
x^2 x=3
"x^2" x=1e-3
"x^2" x=1/3
"x^2" x=pi/2
"x^2" x=-2
"x^2" x=+2
"x^2" x=.5
"x^2" x=2.
"x^2" x=−2
"x^2" x=½
"x^2" x=1_000
"x^2" x=3%
"x^2" x=1,5
"x^2" x=1,500.5
"x^2" x=1.5.2
"x^2" x=abc
"x^2" x=nan
"x^2" x=inf
"x^2" x=-inf
"x^2" x=
"x^2" x="3"
"x^2" x='"3"'
"x^2" x=3+4j
"x^2" x=True
"x^2" x=None
"x^2" x=2*y y=3
"x^2" x:3
"x^2" x->3
"x^2" x==3
"x^2" x:=3
"x^2" x=3 x=4
"x^2" x=3 --set x=4
"x^2" y=3
"x^2" x=3 y=4
"x^2" 3
"x^2" -x 3
"x^2" --x 3
"x^2" --x=3
"x^2" x 3
"x^2" X=3
"x^2" "x"=3
"x^2" 'x = 3'
"x*y"
"x*y" x=2
"x*y" --random
"x*y" --random x=2
"sum(v^2)" v=[1,2,3]
"sum(v^2)" "v=[1, 2, 3]"
"sum(v^2)" "v=[1 2 3]"
"sum(v^2)" "v=1,2,3"
"sum(v^2)" "v=(1,2,3)"
"sum(v^2)" "v={1,2,3}"
"sum(v^2)" "v=1 2 3"
"sum(v^2)" v=[1, 2, 3]
"sum(v^2)" "v=array([1., 2., 3.])"
"sum(v^2)" "v=np.array([1, 2, 3])"
"sum(v^2)" "v=array([1., 2., 3.], dtype=float32)"
"sum(v^2)" "v=tensor([1., 2., 3.], grad_fn=<AddBackward0>)"
"sum(v^2)" "v=[1.2 -0.5]"
"sum(v^2)" "v=[1.2; -0.5]"
"sum(v^2)" "v=[1.2, -0.5]'"
"sum(W^2)" "W=[1 2; 3 4]"
"sum(W^2)" "W=[[1,2],[3,4]]"
"sum(W^2)" "W=[[1 2]\n [3 4]]"
"sum(W^2)" "W={{1,2},{3,4}}"
"sum(W^2)" "W=[[1,2],[3]]"
"sum(W^2)" "W=[1,2],[3,4]"
"sum(W^2)" "W=np.zeros((2,2))"
"sum(W^2)" "W=np.ones((2, 2))"
"sum(W^2)" "W=np.eye(2)"
"sum(v^2)" "v=range(3)"
"sum(v^2)" "v=np.arange(3)"
"sum(v^2)" "v=linspace(0,1,3)"
"sum(v^2)" "v=[0.1, ..., 0.9]"
"sum(v^2)" "v=[]"
"sum(v^2)" "v=[1, nan]"
"sum(v^2)" "v=[1, x]"
"sum(v^2)" "v=[1, 2"
"sum(v^2)" "v=[1,,2]"
"sum(v^2)" "v=['a', 'b']"
"W @ v" "W=[[1,2],[3,4]]" "v=[1,2,3]"
"softmax([x,y])" x=1 y=2
"""

FILES = """
"sum(x^2)" x=@{files}/x.npy
"sum(x^2)" x=@{files}/data.npz
"sum(x^2)" x=@{files}/data.npz:x
"sum(x^2)" x=@{files}/data.npz:w
"sum(x^2)" x=@{files}/data.npz:q
"sum(x^2)" x=@{files}/x.csv
"sum(x^2)" x=@{files}/named.csv
"sum(x^2)" x=@{files}/x.json
"sum(x^2)" x=@{files}/named.json
"sum(x^2)" x=@{files}/x.txt
"sum(x^2)" x=@{files}/none.npy
"sum(x^2)" x=@
"sum(x^2)" x=@{files}
"sum(x^2)" x={files}/x.npy
"sum(x^2)" x=@{files}/broken.npz
"sum(x^2)" x=@{files}/pickled.npy
"sum(x^2)" x=@{files}/empty.csv
"sum(x^2)" x=@{files}/x.xlsx
"sum(x^2)" x=@{files}/x.pt
{files}/graph.toml
{files}/graph.toml x=1
{files}/graph.json
{files}/formula.tex x=2
{files}/formula.txt x=2
{files}/notes.md
{files}/net.ipynb
{files}/graph.yaml
{files}/x.csv
{files}/x.npy
{files}/data.npz
{files}/none.toml
{files}/none.py
{files}/broken.toml
{files}/empty.toml
{files}/code.py
{files}/code.py:loss
{files}/code.py:loss x=[1,2]
{files}/code.py:lss x=[1,2]
{files}/code.py:loss y=[1,2]
{files}/code.py:loss --random "x:(2,)"
{files}/code.py:loss --random
{files}/broken.py:loss
{files}
gradcheck {files}/code.py:loss,backward x=[1,2]
gradcheck {files}/code.py:loss,wrong x=[1,2]
gradcheck {files}/code.py
audit {files}/graph.toml {files}/grads.npz
audit {files}/graph.toml {files}/grads.csv
audit {files}/graph.toml {files}/other.npz
audit {files}/graph.toml
audit {files}/grads.npz {files}/graph.toml
convert {files}/graph.toml --to json
convert {files}/graph.toml -o {files}/out.yaml
"x^2" x=3 -o {files}/a.pdf
"x^2" x=3 -o {files}/a.svg
"x^2" x=3 -o {files}/a.toml
"x^2" x=3 -o {files}/none/a.md
"x^2" x=3 -o {files}
"""

COMMANDS = """
sigmod
sigmoid
logistic_regresion
logistic-regression
explain
explain ""
gradcheck
train
convert
check "x^2" x=3
grad "x^2" x=3
derive "x^2" x=3
explian "x^2" x=3
explain explain
help
help explain
help gradchek
help spec
-h
--help
--version
-V
version
examples
examples sigmoid
examples sigmod
ops
ops softmax
ops softmx
schema
"x^2" x=3 --wrt x
"x*y" x=2 y=3 --wrt x --wrt y
"x*y" x=2 y=3 --wrt x,y
"x*y" x=2 y=3 --wrt x y
"x*y" x=2 y=3 --wrt z
"x*y" x=2 y=3 --wrt
"x*y" x=2 y=3 --of z
"x*y" x=2 y=3 --paths x
"x*y" x=2 y=3 --paths
"x^2" x=3 --steps 3
"x^2" x=3 --learning-rate 0.1
"x^2" x=3 --secnd
"x^2" x=3 --second
"x^2" x=3 --order 3
"x^2" x=3 --order 99
"x^2" x=3 --step a
"x^2" x=3 --step 0.1
"x^2" x=3 --step nan
"x^2" x=3 --json --format table
"x^2" x=3 --format pdf
"x^2" x=3 -f md
"x^2" x=3 --upstream 2
"x^2" x=3 --upstream a
"x^2" x=3 --upstream [1,2]
"x^2" x=3 --expand
"x^2" x=3 --expand all
"x^2" x=3 --expand foo
"x^2" x=3 --node q
"x^2" x=3 --notation tex
"x^2" x=3 --random 5
"x^2" x=3 --inputs {files}/data.npz
"x^2" x=3 -q
"x^2" x=3 --verbose
"x^2" x=3 > 2
x + y x=1 y=2
sin x x=1
x*y*(x + y) x=1 y=2
gradcheck "x^2" x=3 --claim "x = 6"
gradcheck "x^2" x=3 --claim "x = 5"
gradcheck "x^2" x=3 --claim 6
gradcheck "x^2" x=3 --claim x=6
gradcheck "x^2" x=3 --claim "dx = 2x"
gradcheck "x^2" x=3 --claim "dL/dx = 2x"
gradcheck "x^2" x=3 --claim "d/dx = 2x"
gradcheck "x^2" x=3 --claim "f'(x) = 2x"
gradcheck "x^2" x=3 --claim "x: 6"
gradcheck "x^2" x=3 --claim "z = 6"
gradcheck "x^2" x=3 --claim "x = [6, 6]"
gradcheck "x^2" x=3 --claim "x = y"
gradcheck "x^2" x=3 --claim "x ="
gradcheck "x^2" x=3 --claim
gradcheck "x^2" x=3 --claim "x = 6" --claim "x = 5"
gradcheck "x^2" x=3 --claim @{files}/claims.toml
gradcheck "x^2" x=3 --claim @{files}/none.npz
gradcheck "x^2" x=3 --points 0
gradcheck "x^2" x=3 --points many
gradcheck "x^2" x=3 --order 3
gradcheck "x^2" x=3 --detect 2
gradcheck "log(x)" x=-1
gradcheck "x^2" x=3 --tol 1e-3
gradcheck "x^2" x=3 --eps 1e-5
train logistic_regression --steps 3
train logistic_regression --steps 0
train logistic_regression --lr 0.1
train logistic_regression --learning-rate 0.1
train logistic_regression --epochs 3
train logistic_regression --optimizer admm
train logistic_regression --optimizer "adam(beta=0.9)"
train logistic_regression --schedule cosin
train logistic_regression --rate -1
train "x^2" x=3
"log(x)" x=-1
"1/x" x=0
"sqrt(x)" x=0
"exp(x)" x=1000
"x^2" x=1e400
"x^0.5" x=-1
"relu(x)" x=0
"d/dx x^2" x=3
"derivative of x^2" x=3
"x^2 at x=3"
"what is the gradient of x^2"
"""
