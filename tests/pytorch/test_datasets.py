# SPDX-License-Identifier: Apache-2.0
"""Every dataset and sampler of aistore.pytorch, as its documentation shows, with several workers."""

import io
import os
import pickle
import tarfile
from pathlib import Path

import aistore.pytorch
import pytest
import torch
from aistore.pytorch import (
    AISBaseIterDataset,
    AISBaseMapDataset,
    AISIterDataset,
    AISMapDataset,
    AISMultiShardStream,
    AISParallelMapDataset,
    AISShardReader,
    DynamicBatchSampler,
)
from aistore.pytorch.batch_iter_dataset import AISBatchIterDataset
from aistore.sdk import Client, DataShard
from aistore.sdk.dataset.data_attribute import DataAttribute
from aistore.sdk.dataset.dataset_config import DatasetConfig
from aistore.sdk.dataset.label_attribute import LabelAttribute
from aistore.sdk.errors import AISError
from torch.utils.data import DataLoader

WORKERS = 3
CONTENTS = {f"sample-{i:03d}": os.urandom(100 + i * 7) for i in range(60)}
OTHERS = {f"other/{i}": b"%d" % i for i in range(5)}


@pytest.fixture(autouse=True, scope="session")
def torch_is_small():
    torch.set_num_threads(1)


@pytest.fixture
def filled(bucket):
    for name, content in {**CONTENTS, **OTHERS}.items():
        bucket.object(name).get_writer().put_content(content)
    return bucket


def whole(batch):
    """A collate function: bytes of different lengths stay what they are."""
    return batch


def loaded(dataset, **options):
    return [one for batch in DataLoader(dataset, collate_fn=whole, **options) for one in batch]


# ---- map style ----


def test_a_map_dataset_is_loaded_by_workers(filled):
    dataset = AISMapDataset(filled, prefix_map={filled: "sample-"})
    assert len(dataset) == 60 and dataset[3] == ("sample-003", CONTENTS["sample-003"])
    assert dataset.__getitems__([1, 2]) == [dataset[1], dataset[2]]
    with pytest.raises(IndexError):
        dataset[60]
    samples = loaded(dataset, batch_size=7, num_workers=WORKERS, shuffle=True)
    assert dict(samples) == CONTENTS and len(samples) == 60


def test_a_map_dataset_has_many_sources(filled, client):
    group = filled.objects(obj_names=list(OTHERS))
    dataset = AISMapDataset([filled.objects(obj_template="sample-{000..009}"), group])
    expected = {**{f"sample-{i:03d}": CONTENTS[f"sample-{i:03d}"] for i in range(10)}, **OTHERS}
    assert dict(loaded(dataset, batch_size=4, num_workers=WORKERS)) == expected
    several = AISMapDataset(filled, prefix_map={filled: ["other/", "sample-00"]})
    assert len(several) == 15
    with pytest.raises(ValueError):
        AISMapDataset([])


def test_workers_that_are_spawned_have_a_client_too(filled):
    """The dataset, its buckets and its client travel to another process."""
    dataset = AISMapDataset(filled, prefix_map={filled: "other/"})
    assert len(pickle.loads(pickle.dumps(dataset))) == 5
    samples = loaded(dataset, batch_size=2, num_workers=2, multiprocessing_context="spawn")
    assert dict(samples) == OTHERS


def test_a_map_dataset_reads_each_object_in_parallel(bucket):
    contents = {f"big-{i}": os.urandom((1 << 20) + i) for i in range(4)}
    for name, content in contents.items():
        bucket.object(name).get_writer().put_content(content)
    dataset = AISParallelMapDataset(bucket, num_workers=2)
    assert dataset.num_workers == 2 and len(dataset) == 4
    for name, buffer in dataset:
        with buffer:
            assert buffer.buf == contents[name]


# ---- iterable style ----


def test_an_iterable_dataset_is_shared_by_its_workers(filled):
    dataset = AISIterDataset(filled, prefix_map={filled: "sample-"})
    assert len(dataset) == 60 and dict(dataset) == CONTENTS
    for workers in (0, 1, WORKERS):
        samples = loaded(dataset, batch_size=8, num_workers=workers)
        assert len(samples) == 60 and dict(samples) == CONTENTS


def test_sources_are_shared_out_among_workers(filled, client):
    buckets = [filled, client.bucket(filled.name + "-2").create()]
    try:
        buckets[1].object("more").get_writer().put_content(b"more")
        dataset = AISIterDataset(buckets, partition_sources_by_worker=True)
        samples = loaded(dataset, batch_size=8, num_workers=2)
        assert len(samples) == 66 and dict(samples) == {**CONTENTS, **OTHERS, "more": b"more"}
    finally:
        buckets[1].delete()


def test_an_iterable_dataset_is_read_twice(filled):
    loader = DataLoader(AISIterDataset(filled), collate_fn=whole, num_workers=2,
                        persistent_workers=True)
    for _ in range(2):
        assert len([one for batch in loader for one in batch]) == 65


# ---- shards ----


def shard_of(samples):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, content in samples.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return file.getvalue()


@pytest.fixture
def shards(bucket):
    for shard in range(4):
        samples = {}
        for i in range(5):
            samples[f"s{shard}-{i}.cls"] = b"%d" % i
            samples[f"s{shard}-{i}.jpg"] = os.urandom(50)
        bucket.object(f"shard-{shard}.tar").get_writer().put_content(shard_of(samples))
    return bucket


def test_a_shard_reader_takes_shards_apart(shards):
    for workers in (0, 2):
        samples = loaded(AISShardReader(shards), batch_size=4, num_workers=workers)
        assert sorted(name for name, _ in samples) == [f"s{s}-{i}" for s in range(4) for i in range(5)]
        for name, content in samples:
            assert content["cls"] == name.rpartition("-")[2].encode() and len(content["jpg"]) == 50


def test_streams_of_members_of_shards_are_refused(server, shards):
    stream = AISMultiShardStream([DataShard(server.endpoint, shards.name, prefix="shard-")])
    with pytest.raises(AISError) as caught:
        next(iter(stream))
    assert caught.value.status_code == 501 and "listing archives is not supported" in str(caught.value)


def test_a_dataset_by_get_batch_is_refused(filled, server):
    dataset = AISBatchIterDataset(filled, Client(server.endpoint), max_batch_size=4)
    with pytest.raises(AISError) as caught:
        next(iter(dataset))
    assert caught.value.status_code == 501 and "get-batch is not supported" in str(caught.value)


# ---- samplers ----


def test_a_dynamic_sampler_fills_batches_by_size(filled):
    dataset = AISMapDataset(filled, prefix_map={filled: "sample-"})
    sampler = DynamicBatchSampler(dataset, max_batch_size=2000, shuffle=True)
    assert len(sampler) == 60
    loader = DataLoader(dataset, batch_sampler=sampler, collate_fn=whole, num_workers=WORKERS)
    batches = list(loader)
    assert dict(one for batch in batches for one in batch) == CONTENTS
    assert all(sum(len(content) for _, content in batch) <= 2000 for batch in batches)
    assert len(batches) > sum(map(len, CONTENTS.values())) // 2000


def test_a_dynamic_sampler_leaves_out_what_is_too_large(filled):
    dataset = AISMapDataset(filled, prefix_map={filled: "sample-"})
    small = {name for name, content in CONTENTS.items() if len(content) <= 300}
    sampler = DynamicBatchSampler(dataset, max_batch_size=300)
    loader = DataLoader(dataset, batch_sampler=sampler, collate_fn=whole)
    assert {name for batch in loader for name, _ in batch} == small
    sampler = DynamicBatchSampler(dataset, max_batch_size=300, allow_oversized_samples=True)
    loader = DataLoader(dataset, batch_sampler=sampler, collate_fn=whole, num_workers=2)
    assert {name for batch in loader for name, _ in batch} == set(CONTENTS)


# ---- classes of one's own ----


class Upper(AISBaseMapDataset):
    def __len__(self):
        return len(self.get_obj_list())

    def __getitem__(self, index):
        thing = self.get_obj_list()[index]
        return thing.name.upper(), torch.tensor(list(thing.get_reader().read_all()))


class Lengths(AISBaseIterDataset):
    def __iter__(self):
        self._reset_iterator()
        mine, _ = self._get_worker_iter_info()
        for thing in mine:
            yield thing.name, thing.props_cached.size


def test_datasets_of_one_s_own_are_loaded(filled):
    upper = dict(loaded(Upper(filled, {filled: "other/"}), batch_size=2, num_workers=2))
    assert set(upper) == {name.upper() for name in OTHERS}
    assert upper["OTHER/3"].tolist() == [ord("3")]
    lengths = dict(loaded(Lengths(filled), batch_size=9, num_workers=WORKERS))
    assert lengths == {name: len(content) for name, content in {**CONTENTS, **OTHERS}.items()}


# ---- written ----


def test_a_dataset_is_written_as_shards_and_read_back(bucket, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    images = tmp_path / "images"
    images.mkdir()
    for i in range(10):
        (images / f"n{i}.jpeg").write_bytes(b"image %d" % i)
    config = DatasetConfig(
        primary_attribute=DataAttribute(path=images, name="image", file_type="jpeg"),
        secondary_attributes=[
            LabelAttribute(name="cls", label_identifier=lambda name: name[1:])
        ],
    )
    bucket.write_dataset(config, pattern="set", maxcount=4)
    names = [entry.name for entry in bucket.list_all_objects()]
    assert len(names) == 3 and all(name.startswith("set-") for name in names)
    samples = dict(AISShardReader(bucket))
    assert len(samples) == 10, samples
    for content in samples.values():
        assert content["jpeg"] == b"image " + content["cls"], content


def test_each_class_of_the_package_is_used_here():
    text = Path(__file__).read_text(encoding="utf-8")
    for name, one in vars(aistore.pytorch).items():
        if isinstance(one, type) and one.__module__.startswith("aistore.pytorch"):
            assert text.count(name) > 1, f"{name} is new: write a test"
