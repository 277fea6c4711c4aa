"""lightning-core/tests/fixtures/ops.json: value and gradients of every operation."""

import torch

import encode
import op_cases_elementwise
import op_cases_loss
import op_cases_matrix
from op_case import unique

PATH = "lightning-core/tests/fixtures/ops.json"


def files():
    cases = [*op_cases_elementwise.cases(), *op_cases_matrix.cases(), *op_cases_loss.cases()]
    return {PATH: encode.text({"torch": torch.__version__, "cases": unique(cases)}, open_levels=2)}
