"""From a kernel's body in Python to the text of a sealed module. Imported only to compile something."""

from __future__ import annotations

import types as python_types
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

from numba import njit, types
from numba.core import typed_passes, untyped_passes
from numba.core.ccallback import CFunc
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_lock import global_compiler_lock
from numba.core.sigutils import normalize_signature

from engine.machines import intrinsics
from engine.machines.processor import fuses
from engine.machines.sealing import sealed
from engine.primitives.base import Intrinsic, Kernel, Scalar, Variant, real, whole32

# Not nnan and ninf: the compiler must not assume that there is no NaN, it has to stay visible. Not arcp and afn: they
# let it divide by a product with the reciprocal in a vector and truly in the remainder of a loop, so that the bits of
# a number would depend on where the work is split.
FAST = {"contract", "reassoc", "nsz"}
FAST_BY_DTYPE: dict[str, set[str] | bool] = {"float32": FAST, "float64": False}
# Without reassoc: it would put together the constants that an argument reduction keeps apart on purpose.
SCALAR_BY_DTYPE: dict[str, set[str] | bool] = {"float32": FAST - {"reassoc"}, "float64": False}

# For closures, `with`, `literally`, overloads, arrays and errors: none of them is in a kernel. What is made without these
# passes is the same to the last instruction; they take a tenth of the time.
NEEDLESS = (
    untyped_passes.WithLifting, untyped_passes.InlineClosureLikes, untyped_passes.RewriteDynamicRaises,
    untyped_passes.MakeFunctionToJitFunction, untyped_passes.InlineInlinables, untyped_passes.FindLiterallyCalls,
    untyped_passes.LiteralUnroll, untyped_passes.LiteralPropagationSubPipelinePass,
    typed_passes.InlineOverloads, typed_passes.NopythonRewrites, typed_passes.NoPythonSupportedFeatureValidation,
)  # fmt: skip


class KernelLibrary(JITCodeLibrary):  # type: ignore[misc]
    """Numba's library without a first round of optimising each function: what is made of them together is as fast."""

    def _optimize_functions(self, module: Any) -> None:
        module.data_layout = self._codegen._data_layout


class KernelTyping:
    """Numba's typing context, which works out but once what a built-in function gives for arguments of some types."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self._known: dict[tuple[Any, ...], Any] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def resolve_function_type(self, function: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """The signature of a call. Raises Numba's `TypingError` where there is none."""
        key = function, arguments, tuple(named.items())
        found = self._known.get(key)
        if found is None:
            found = self._context.resolve_function_type(function, arguments, named)
            if isinstance(function, types.Function):
                self._known[key] = found
        return found


_typing = cache(KernelTyping)


class KernelCompiler(CompilerBase):  # type: ignore[misc]
    """Numba's compiler without what kernels have no use for."""

    def __init__(self, typing_context: Any, *others: Any) -> None:
        super().__init__(_typing(typing_context), *others)

    def define_pipelines(self) -> list[Any]:
        state = self.state
        state.library = KernelLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library.enable_object_caching()  # of a native loop the object is kept
        pipeline = DefaultPassBuilder.define_nopython_pipeline(state)
        pipeline.passes = [entry for entry in pipeline.passes if entry[0] not in NEEDLESS]
        pipeline.finalize()
        return [pipeline]


# Of what is put into kernels and called from nowhere else.
INLINED = {
    "forceinline": True, "error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True,
    "pipeline_class": KernelCompiler,
}  # fmt: skip


class Described(NamedTuple):
    """A kernel as Numba is told of it."""

    function: Any
    signature: Any
    options: dict[str, Any]


def described(kernel: Kernel, variant: Variant, dtype: str, name: str) -> Described:
    """A kernel's body in one variant and precision, by that name."""
    number, word = types.float32 if dtype == "float32" else types.float64, types.CPointer(types.int32)
    body, constants = kernel.function, dict[str, Any](variant)
    if isinstance(body, str):
        place, _, written = body.partition(":")
        module = import_module(place)
        body = getattr(module, written)
        constants.update(module.names_of(constants))
    function = specialised(body, constants, dtype, name)
    if ("ONE", 1) in variant:
        function = _for_one_output(function, dtype, name)
    signature = types.void(types.CPointer(number), word, word, types.int64, types.int64)
    return Described(function, signature, {"fastmath": FAST_BY_DTYPE[dtype], "error_model": "numpy"})


def sealed_module(kernel: Described, symbol: str) -> str:
    """The text of a kernel's module, optimised and sealed; the kernel is called by that symbol."""
    # Not by Numba's name, which counts what a process has compiled: whoever else compiles it comes to the same file.
    numbas, text = _optimised(kernel)
    return sealed(text.replace(f"@{numbas}(", f'@"{symbol}"('), fuses=fuses())


def _optimised(kernel: Described) -> tuple[str, str]:
    """The symbol to call, and the text of the module as Numba would hand it to the code generator."""
    function, signature, options = kernel
    with global_compiler_lock:
        # What `cfunc` does, up to the point where a library is made code.
        unfinished: Any = CFunc(
            function, normalize_signature(signature), locals={}, options=options, pipeline_class=KernelCompiler
        )
        result = unfinished._compile_uncached()
        library = result.library
        for other in dict.fromkeys(library._linking_libraries):
            library._final_module.link_in(other._get_module_for_linking(), preserve=True)
        library._optimize_final_module()
        return result.fndesc.llvm_cfunc_wrapper_name, str(library._final_module)


def _for_one_output(function: Any, dtype: str, name: str) -> Any:
    """The same body for outputs [0, 1) alone: its loops fold away."""
    body = njit(fastmath=FAST_BY_DTYPE[dtype], **INLINED)(function)

    def one(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
        body(arena, integers, instruction, 0, 1)

    one.__qualname__ = name
    return one


def specialised(function: Any, constants: dict[str, Any], dtype: str, name: str) -> Any:
    """The same function with its globals put in for this precision: literals, scalar functions, variant constants."""
    namespace = dict(function.__globals__)
    for word in function.__code__.co_names:
        entry = namespace.get(word)
        if entry is real:
            namespace[word] = types.float32 if dtype == "float32" else types.float64
        elif entry is whole32:
            namespace[word] = types.int32
        elif isinstance(entry, Scalar):
            namespace[word] = _scalar(entry, dtype)
        elif isinstance(entry, Intrinsic):
            namespace[word] = getattr(intrinsics, entry.name)
    namespace.update(constants)
    twin = python_types.FunctionType(function.__code__, namespace, name, function.__defaults__)
    twin.__qualname__ = name  # Numba's cache tells functions apart by this name
    twin.__module__ = function.__module__
    return twin


@cache
def _scalar(entry: Scalar, dtype: str) -> Any:
    function = entry.float32 if dtype == "float32" else entry.float64
    twin = specialised(function, {}, dtype, f"{function.__name__}_{dtype}")
    return njit(fastmath=SCALAR_BY_DTYPE[dtype], **INLINED)(twin)
