"""What start-up is held against: a Typer program that imports NumPy and prints one Rich table."""

from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def main(target: str, set_: Annotated[list[str], typer.Option("--set")]) -> None:
    import numpy as np
    from rich.console import Console
    from rich.table import Table

    table = Table("node", "value")
    table.add_row(target, str(np.float64(len(set_))))
    Console().print(table)


app()
