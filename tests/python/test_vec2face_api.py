"""`guise.Vec2Face` and the identities it draws: equal bytes, steering, separation, wrong use."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch

import guise
from guise import _core, models
from guise.identities import identities_from_images
from guise.vec2face import GeneratedFaces, draw_options

NAME = "house-vec2face"


@pytest.fixture(scope="module")
def house() -> guise.Vec2Face:
    return guise.Vec2Face.from_pretrained()


@pytest.fixture(scope="module")
def people(house: guise.Vec2Face) -> torch.Tensor:
    found = guise.sample_identities(64, seed=1, max_cosine=0.9, draw=False)
    assert found.faces is None
    return found.vectors


def same(one: GeneratedFaces, other: GeneratedFaces) -> bool:
    return torch.equal(one.images, other.images) and one.noise == other.noise


def test_a_picture_does_not_depend_on_its_company(
    house: guise.Vec2Face, people: torch.Tensor
) -> None:
    together = house.sample(people, seed=5, threads=1)
    assert together.images.shape == (64, 112, 112, 3)
    assert together.images.dtype == torch.uint8
    for first, count in ((0, 1), (63, 1), (0, 7), (20, 7), (57, 7)):
        part = house.sample(people[first : first + count], seed=5, first_identity=first, threads=1)
        assert torch.equal(part.images, together.images[first : first + count])
        assert part.noise == together.noise[first : first + count]
        assert part.identities.tolist() == list(range(first, first + count))
    assert len({image.numpy().tobytes() for image in together.images}) == 64


def test_a_picture_does_not_depend_on_the_threads(
    house: guise.Vec2Face, people: torch.Tensor
) -> None:
    alone = house.sample(people[:5], samples=3, seed=2, threads=1)
    assert alone.identities.tolist() == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3 + [4] * 3
    assert alone.samples.tolist() == [0, 1, 2] * 5
    for threads in (2, 4):
        assert same(house.sample(people[:5], samples=3, seed=2, threads=threads), alone)
    fewer = house.sample(people[:5], seed=2)
    assert torch.equal(fewer.images, alone.images[::3])


def test_seed_identity_and_sample_each_make_another_picture(
    house: guise.Vec2Face, people: torch.Tensor
) -> None:
    one = house.sample(people[0], samples=2, seed=3, noise=0.5).images
    assert not torch.equal(one[0], one[1])
    assert not torch.equal(house.sample(people[0], seed=4, noise=0.5).images[0], one[0])
    moved = house.sample(people[0], seed=3, noise=0.5, first_identity=9).images
    assert not torch.equal(moved[0], one[0])
    assert torch.equal(house.sample(people[:1], seed=3, noise=0.5).images[0], one[0])


@pytest.mark.parametrize(("noise", "differ"), [(0.0, False), (0.5, True)])
def test_without_noise_only_the_mask_differs(
    house: guise.Vec2Face, people: torch.Tensor, noise: float, differ: bool
) -> None:
    options = draw_options(noise=noise)
    draw: dict[str, Any] = {"seed": 1, "keys": [(0, 0), (0, 1)]}
    twice = people[:1].repeat(2, 1)
    varied = _core.draw_faces(house.engine, twice, options=options, **draw)
    assert not torch.equal(varied.images[0], varied.images[1])
    options.mask = _core.Vec2FaceMaskOptions(low=0.0, high=0.0, mean=0.0, sd=0.0)
    bare = _core.draw_faces(house.engine, twice, options=options, **draw)
    assert torch.equal(bare.images[0], bare.images[1]) != differ


def test_strengths_have_the_published_shares(house: guise.Vec2Face, people: torch.Tensor) -> None:
    counts = Counter(house.sample(people, samples=3, seed=6).noise)
    assert set(counts) == {0.3, 0.5, 0.7}
    for strength, share in ((0.3, 0.4), (0.5, 0.4), (0.7, 0.2)):
        assert abs(counts[strength] / 192 - share) < 0.12, counts
    alike = Counter(house.sample(people, seed=6, noise=[0.2, 0.4]).noise)
    assert set(alike) == {0.2, 0.4} and 16 < alike[0.2] < 48
    assert set(house.sample(people[:2], noise=0.1).noise) == {0.1}


def test_noise_keeps_the_length_of_a_vector(house: guise.Vec2Face, people: torch.Tensor) -> None:
    # With no step AttrOP hands back what it was given: the vector with its noise.
    faces = house.sample(people[:6], noise=0.7, yaw_deg=89.0, max_steps=0)
    kept = torch.stack([each.vector for each in faces.refined if each is not None])
    torch.testing.assert_close(kept.norm(dim=1), people[:6].norm(dim=1), rtol=1e-4, atol=0)
    assert not torch.allclose(kept, people[:6], atol=1e-2)
    assert {each.steps for each in faces.refined if each is not None} == {0}


def turned(house: guise.Vec2Face, vector: torch.Tensor, yaw: float, steps: int = 12) -> float:
    faces = house.sample(vector, noise=0.0, yaw_deg=yaw, max_steps=steps, threads=1)
    found = faces.refined[0]
    assert found is not None and found.steps <= steps
    assert found.fits or found.steps == steps
    return found.yaw_deg


def test_a_target_of_yaw_turns_the_head_its_way(
    house: guise.Vec2Face, people: torch.Tensor
) -> None:
    right, left = (turned(house, people[0], yaw) for yaw in (30.0, -30.0))
    still = turned(house, people[0], 30.0, steps=0)
    assert left < 0 < right, (left, still, right)
    assert right > still + 5 or abs(still - 30) < 5
    assert right - left > 20


def test_nothing_is_refined_where_nothing_was_asked_for(
    house: guise.Vec2Face, people: torch.Tensor
) -> None:
    assert house.sample(people[:2]).refined == (None, None)
    easy = house.sample(people[:1], noise=0.0, min_quality=0.0).refined[0]
    assert easy is not None and easy.steps <= 30


def test_steering_can_be_stopped(house: guise.Vec2Face, people: torch.Tensor) -> None:
    stop = _core.CancelToken()
    stop.cancel()
    with pytest.raises(guise.Cancelled, match="drawing faces was stopped"):
        house.sample(people[:3], cancel=stop)
    stop = _core.CancelToken()
    timer = threading.Timer(0.5, stop.cancel)
    timer.start()
    with pytest.raises(guise.Cancelled, match="was stopped"):
        house.sample(people[:1], yaw_deg=-89.0, max_steps=10_000, threads=1, cancel=stop)
    timer.join()


def nan(rows: torch.Tensor) -> torch.Tensor:
    return rows.index_fill(1, torch.tensor([3]), float("nan"))


@pytest.mark.parametrize(
    ("spoil", "options", "reason"),
    [
        (nan, {}, "all finite; got torch.float32 with NaN"),
        (lambda rows: rows[:, :100], {}, r"float \[N, 512\].*house-recogniser; got \[2, 100\]"),
        (lambda rows: rows[:0], {}, r"got \[0, 512\]"),
        (lambda rows: rows[None], {}, r"got \[1, 2, 512\]"),
        (lambda rows: rows * torch.tensor([[1.0], [0.0]]), {}, "must not be zero; row 1 is"),
        (lambda rows: rows.long(), {}, "must be floats, all finite; got torch.int64"),
        (None, {"yaw_deg": 120.0}, "from -90 to 90 degrees; got 120"),
        (None, {"yaw_deg": []}, "must not be empty"),
        (None, {"noise": []}, "must not be empty"),
        (None, {"noise": -0.5}, "-0.5"),
        (None, {"samples": 0}, "samples must be at least 1; got 0"),
        (None, {"seed": -1}, "seed must be at least 0; got -1"),
        (None, {"first_identity": -1}, "first_identity must be at least 0; got -1"),
        (None, {"yaw_deg": 10.0, "max_steps": -1}, "0 to 10,000 steps"),
        (None, {"min_quality": float("nan")}, "min_quality must be finite"),
    ],
)
def test_wrong_input_is_refused(
    house: guise.Vec2Face, people: torch.Tensor, spoil: object, options: dict[str, Any], reason: str
) -> None:
    rows = people[:2] if spoil is None else spoil(people[:2])  # type: ignore[operator]
    with pytest.raises(ValueError, match=reason):
        house.sample(rows, **options)


def test_vectors_of_length_1_are_warned_of(house: guise.Vec2Face, people: torch.Tensor) -> None:
    with pytest.warns(UserWarning, match="brought to length 1; give raw ones"):
        house.sample(people[:2] / people[:2].norm(dim=1, keepdim=True))
    with pytest.warns(UserWarning, match="of length about 8.1; these have"):
        house.sample(people[:2] * 10)


def test_what_is_no_generator_is_refused(tmp_path: Path) -> None:
    opened = guise.Vec2Face.from_pretrained
    with pytest.raises(ValueError, match="must be one of the registry; got 'vec3face'"):
        opened("vec3face")
    with pytest.raises(ValueError, match=r"one of house-vec2face.*got 'yunet' \(detect\)"):
        opened("yunet")
    with pytest.raises(ValueError, match="'float32' or 'bfloat16'; got 'float64'"):
        opened(dtype="float64")
    with pytest.raises(guise.CorruptFile, match="house-recogniser"):
        opened(weights=models.path("house-recogniser"))
    with pytest.raises(guise.Unavailable, match=r"none\.safetensors is none"):
        opened(weights=tmp_path / "none.safetensors")
    own = tmp_path / "own.safetensors"
    own.write_bytes(Path(models.path(NAME)).read_bytes()[:-1000])
    with pytest.raises(guise.CorruptFile, match=r"own\.safetensors"):
        opened(weights=own)


def test_identities_are_apart_as_vectors_and_as_faces() -> None:
    many = guise.sample_identities(6, seed=2, max_cosine=0.5)
    assert many.faces is not None and len(many) == 6
    for rows in (many.vectors, many.faces):
        units = torch.nn.functional.normalize(rows.double(), dim=1)
        assert float((units @ units.T).triu(1).max()) <= 0.5 + 1e-6
    torch.testing.assert_close(many.faces.norm(dim=1), torch.ones(6))
    few = guise.sample_identities(2, seed=2, max_cosine=0.5)
    assert torch.equal(few.vectors, many.vectors[:2])
    assert few.faces is not None and torch.equal(few.faces, many.faces[:2])
    other = guise.sample_identities(2, seed=3, max_cosine=0.5, draw=False)
    assert not torch.equal(other.vectors, few.vectors)


def test_a_separation_that_cannot_be_had_is_refused() -> None:
    wanted = r"at most -0\.3; \d of 6 were found.*the largest separation at which"
    with pytest.raises(ValueError, match=wanted):
        guise.sample_identities(6, seed=1, max_cosine=-0.3, draw=False, max_tried=4096)
    with pytest.raises(ValueError, match="method must be 'gaussian' or 'hyperface'; got 'grid'"):
        guise.sample_identities(6, method="grid")


def test_packed_identities_are_further_apart() -> None:
    plain = guise.sample_identities(6, seed=1, max_cosine=1.0, draw=False)
    packed = guise.sample_identities(6, seed=1, max_cosine=0.0, method="hyperface")
    assert packed.faces is None
    assert _core.highest_cosine(packed.vectors) <= 0 < _core.highest_cosine(plain.vectors)
    torch.testing.assert_close(packed.vectors.norm(dim=1), plain.vectors.norm(dim=1))
    with pytest.raises(ValueError, match=r"at most -0\.5; packing 6 of them .* at least -0"):
        guise.sample_identities(6, seed=1, max_cosine=-0.5, method="hyperface")


def write_face(path: Path, identity: int) -> None:
    cv2 = pytest.importorskip("cv2", reason="opencv-python-headless is not installed")
    image = guise.Renderer(size_px=256).render([(identity, 0)], seed=1).images[0]
    assert cv2.imwrite(str(path), image.numpy()[:, :, ::-1])


def test_photos_without_a_face_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must hold pictures; .* holds none"):
        identities_from_images(tmp_path)


@pytest.mark.needs_weights("centerface")
def test_photos_become_vectors_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name, identity in (("b.png", 1), ("a.png", 2)):
        write_face(tmp_path / name, identity)
    told: list[int] = []
    rows = identities_from_images(tmp_path, on_progress=told.append)
    assert rows.shape == (2, 512) and told == [1, 2]
    assert bool((rows.norm(dim=1) - 10).abs().max() < 6)
    (tmp_path / "a.png").unlink()
    assert torch.equal(identities_from_images(tmp_path), rows[1:])
    cv2 = pytest.importorskip("cv2", reason="opencv-python-headless is not installed")
    cv2.imwrite(str(tmp_path / "c.png"), torch.zeros(64, 64, 3, dtype=torch.uint8).numpy())
    with pytest.raises(ValueError, match=r"one face large enough.*c\.png shows 0"):
        identities_from_images(tmp_path)
