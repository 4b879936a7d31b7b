"""``--shard auto``: the shard as a scheduler numbers the process; refused where that counts no shards."""

import re

import pytest

from reportgen.errors import UsageError
from reportgen.options import Shard, gaps, ranges, shard_of
from reportgen.options.run import Options

TORCHRUN = {"RANK": "3", "WORLD_SIZE": "16", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"}
ARRAY = {
    f"SLURM_ARRAY_TASK_{name}": text
    for name, text in {"ID": "5", "COUNT": "32", "MIN": "0", "MAX": "31", "STEP": "1"}.items()
}
SRUN = {"SLURM_PROCID": "2", "SLURM_NTASKS": "4", "SLURM_LOCALID": "1"}
KUBERNETES = {"JOB_COMPLETION_INDEX": "7", "REPORTGEN_SHARDS": "32"}


@pytest.mark.parametrize(
    ("environment", "shard"),
    [
        (TORCHRUN, Shard(3, 16, 1, 2)),
        (ARRAY, Shard(5, 32)),
        (SRUN, Shard(2, 4, 1)),
        (KUBERNETES, Shard(7, 32)),
        ({"RANK": "0", "WORLD_SIZE": "1"}, Shard(0, 1)),
        (ARRAY | {"SLURM_PROCID": "0", "SLURM_NTASKS": "1"}, Shard(5, 32)),
        (TORCHRUN | {"CUDA_VISIBLE_DEVICES": "5"}, Shard(3, 16, None, 2)),  # its own GPU alone
        (TORCHRUN | {"CUDA_VISIBLE_DEVICES": "4,5"}, Shard(3, 16, 1, 2)),
        (SRUN | {"CUDA_VISIBLE_DEVICES": "GPU-8932f937"}, Shard(2, 4, None)),
        (TORCHRUN | {"SLURM_PROCID": "3", "SLURM_NTASKS": "16"}, Shard(3, 16, 1, 2)),
    ],
)
def test_the_number_is_that_of_the_scheduler(environment, shard):
    assert shard_of("auto", environment) == shard


@pytest.mark.parametrize(
    ("environment", "message", "hint"),
    [
        ({}, "no scheduler variables are set for this process", "--shard 0/8"),
        ({"RANK": "0"}, "RANK is set, WORLD_SIZE is not", "--shard 0/8"),
        ({"WORLD_SIZE": "2"}, "WORLD_SIZE is set, RANK is not", "--shard 0/8"),
        ({"RANK": "x", "WORLD_SIZE": "2"}, 'RANK is "x", not a whole number', "--shard 0/8"),
        (
            ARRAY | {"SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_COUNT": "2"}
            | {"SLURM_ARRAY_TASK_MIN": "3", "SLURM_ARRAY_TASK_MAX": "7"},
            "the array has 2 tasks, from 3 to 7", "--shard $SLURM_ARRAY_TASK_ID/N",
        ),
        (ARRAY | {"SLURM_ARRAY_TASK_STEP": "2"}, "the array has 32 tasks", "ARRAY_TASK_ID/N"),
        (ARRAY | {"SLURM_ARRAY_TASK_MAX": "32"}, "from 0 to 32", "ARRAY_TASK_ID/N"),
        ({"SLURM_ARRAY_TASK_ID": "0"}, "SLURM_ARRAY_TASK_COUNT is not", "ARRAY_TASK_ID/N"),
        ({"JOB_COMPLETION_INDEX": "0"}, "REPORTGEN_SHARDS is not", "set REPORTGEN_SHARDS"),
        (
            ARRAY | TORCHRUN, "torchrun says 3/16, the SLURM array says 5/32",
            "env -u SLURM_ARRAY_TASK_ID reportgen predict … --shard auto follows torchrun",
        ),
        (KUBERNETES | {"JOB_COMPLETION_INDEX": "32"}, "beyond the last", "set REPORTGEN_SHARDS"),
        (KUBERNETES | {"REPORTGEN_SHARDS": "0"}, "beyond the last", "set REPORTGEN_SHARDS"),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "1"}, "no scheduler", "--shard 0/8"),
    ],
)  # fmt: skip
def test_numbers_that_count_no_shards_are_refused(environment, message, hint):
    with pytest.raises(UsageError) as caught:
        shard_of("auto", environment)
    assert caught.value.slug == "shard-environment"
    assert message in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("one", "other"),
    [(TORCHRUN, SRUN), (TORCHRUN, ARRAY), (KUBERNETES, SRUN), (TORCHRUN, KUBERNETES)],
)
def test_of_two_schedulers_either_is_followed_without_the_variables_of_the_other(one, other):
    both = one | other
    with pytest.raises(UsageError) as caught:
        shard_of("auto", both)
    ways = [re.findall(r"-u (\w+)", way) for way in caught.value.hint.split(", ")]
    found = {
        shard_of("auto", {name: both[name] for name in both if name not in hidden})
        for hidden in ways
    }
    assert found == {shard_of("auto", one), shard_of("auto", other)}


class Untouched(dict):
    def get(self, *_):
        raise AssertionError("the environment was read")


@pytest.mark.parametrize("given", [None, "3/32", (3, 32)])
def test_nothing_is_read_without_auto(given):
    assert shard_of(given, Untouched()) == (given and Shard(3, 32))


@pytest.mark.parametrize(
    ("there", "n", "text"),
    [
        ([], 0, ""),
        ([], 3, "0-2"),
        ([2, 1, 0], 3, ""),
        ([0, 1, 2], 4, "3"),
        ([0, 1, 2, 4, 5, 6], 10, "3,7-9"),
        ([2, 3, 4, 7, 8], 10, "0-1,5-6,9"),
        ([1], 10**18, f"0,2-{10**18 - 1}"),
    ],
)
def test_what_is_missing_is_written_as_arrays_are(there, n, text):
    assert ranges(gaps(there, n)) == text


@pytest.mark.parametrize("device", ["cuda:0", "cuda:13", "cuda", "auto"])
def test_a_device_may_have_a_number(device):
    options = Options(device=device)
    expected = [] if device == "auto" else ["--device", "cuda"]
    assert options.command_words() == expected  # the same on whichever GPU


@pytest.mark.parametrize("device", ["cuda:", "cuda:x", "cpu:0", "gpu", "cuda:-1"])
def test_what_is_no_device_is_refused(device):
    with pytest.raises(UsageError, match="is not one of auto, cpu, cuda, mps, cuda:N") as caught:
        Options(device=device)
    assert caught.value.slug == "option-value"
