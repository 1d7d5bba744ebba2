"""Debian's indices read: which kernels there are, by which packages, and which of them a suite installs unasked."""

from __future__ import annotations

import pytest

from connlab.cluster import images
from connlab.kernels.archive import INDICES as FOLDER
from connlab.kernels.archive import UNPACKERS
from kernels import archive
from tests.support.syntax import imports, trees

CLOUD = "cloud-amd64"
INDICES = {
    "trixie-security": [
        (f"linux-image-6.12.118+deb13-{CLOUD}", "6.12.118-1"),
        (f"linux-image-6.12.118+deb13-{CLOUD}-unsigned", "6.12.118-1"),
        (f"linux-image-{CLOUD}", "6.12.118-1"), (f"linux-headers-6.12.118+deb13-{CLOUD}", "6.12.118-1"),
        (f"linux-image-6.12-{CLOUD}", "6.12.117-1"), ("bash", "5.2-1"),
    ],
    "trixie-backports": [
        # from 6.19 on the image is empty, and its files are in two others
        (f"linux-image-7.3.4+deb13-{CLOUD}", "7.3.4-1~bpo13+1"),
        (f"linux-binary-7.3.4+deb13-{CLOUD}", "7.3.4-1~bpo13+1"),
        (f"linux-modules-7.3.4+deb13-{CLOUD}", "7.3.4-1~bpo13+1"), (f"linux-image-{CLOUD}", "7.3.4-1~bpo13+1"),
        (f"linux-binary-7.1.3+deb13-{CLOUD}", "7.1.3-1~bpo13+1"),  # its modules are gone
    ],
}  # fmt: skip


def test_a_kernel_is_the_packages_that_have_its_files(tmp_path, monkeypatch: pytest.MonkeyPatch):
    """Neither an unsigned one nor a name that stands for another; none whose modules are gone."""
    (tmp_path / "lists").mkdir()
    for suite, packages in INDICES.items():
        text = "".join(f"Package: {name}\nVersion: {version}\n\n" for name, version in packages)
        (tmp_path / "lists" / f"host_debian_dists_{suite}_main_binary-amd64_Packages").write_text(text)
    monkeypatch.setattr(archive, "STATE", str(tmp_path))
    assert archive.kernels() == [
        {"release": "7.3.4", "default": ["trixie-backports"], "packages": [
            f"linux-binary-7.3.4+deb13-{CLOUD}=7.3.4-1~bpo13+1", f"linux-modules-7.3.4+deb13-{CLOUD}=7.3.4-1~bpo13+1"]},
        {"release": "6.12.118", "default": ["trixie-security"],
         "packages": [f"linux-image-6.12.118+deb13-{CLOUD}=6.12.118-1"]},
    ]  # fmt: skip


def test_of_an_index_the_paragraphs_of_kernels_are_kept(tmp_path):
    """All of each, as apt needs it to download one; an index without a kernel becomes empty."""
    kernel = (
        "Package: linux-image-6.12.57+deb13-cloud-amd64\nVersion: 6.12.57-1\nDescription: a\n b\nSHA256: c\n"
    )
    for name, others, kept in (
        ("one", "Package: bash\nVersion: 5\n", kernel),
        ("two", "Package: linuxdoc\n", ""),
    ):
        path = tmp_path / f"{name}_Packages"
        path.write_text("\n".join(filter(None, (others, kept, others))))
        archive.keep_kernels(str(path))
        assert path.read_text() == (f"{kept}\n" if kept else "")


def test_the_indices_depend_on_what_fetches_them_alone():
    """So that an edit of another program of kernels/ fetches nothing anew."""
    assert [*images.files(images.recipe(FOLDER))] == ["kernels/__init__.py", "kernels/archive.py"]
    used, todo = set(), {"kernels.unpack"}
    modules = trees("kernels/*.py")
    while todo:
        used |= todo
        todo = {name for each in todo for name in imports(modules[each], each)} & modules.keys() - used
    assert {f"{name.replace('.', '/')}.py" for name in used - {"kernels"}} == set(UNPACKERS)
