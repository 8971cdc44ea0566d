"""Compiles the kernel of the searches when the package is built, so that installing it needs no compiler."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import sys_tags

ROOM = Path("kanopt", "engines", "compiled")


class KernelHook(BuildHookInterface[Any]):
    """Puts the compiled kernel into the package, and into the wheel."""

    def dependencies(self) -> list[str]:
        """Return the package that brings a compiler, where this machine has none that compiles the kernel."""
        if self.target_name != "wheel":
            return []
        with tempfile.TemporaryDirectory() as folder:
            try:
                self._build().compile_kernel(Path(folder))
            except OSError:  # such as a compiler without the headers of the C library
                return ["ziglang>=0.13"]
        return []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile the kernel; the wheel is then one for this platform, and any Python 3."""
        if self.target_name != "wheel":
            return
        build = self._build()
        build.KERNEL.mkdir(exist_ok=True)
        for stale in build.KERNEL.glob("kernel-*"):
            stale.unlink()
        library = build.compile_kernel(build.KERNEL)
        inside = (ROOM / build.KERNEL.name / library.name).as_posix()
        if version != "editable":
            build_data["force_include"][str(library)] = inside
            build_data["force_include"] |= self._examples()
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{next(sys_tags()).platform}"

    def _examples(self) -> dict[str, str]:
        """Return the example scenarios and their tables, each with its place in the package."""
        folder = Path(self.root, "scenarios")
        found = [*folder.glob("*.toml"), *folder.glob("*/*.csv")]
        return {str(file): f"kanopt/examples/{file.relative_to(folder).as_posix()}" for file in found}

    def _build(self) -> ModuleType:
        """Return ``compiled/build.py`` without the package around it, whose dependencies are not there yet."""
        file = Path(self.root) / ROOM / "build.py"
        spec = importlib.util.spec_from_file_location("kanopt_kernel_build", file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        return module
