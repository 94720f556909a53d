"""The queue of runs: order, devices, hosts, and workers that claim at the same instant."""

import threading
from pathlib import Path

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from kobert_demo.store import RunStore
from kobert_demo.tables import holds
from tests.test_store import evaluation, queued, step


def queue(store: RunStore) -> list[str]:
    waiting = [run for run in store.runs() if run.waiting]
    return [run.run for run in sorted(waiting, key=lambda run: run.waiting)]


def test_runs_start_in_order_and_one_at_a_time(store: RunStore) -> None:
    for name in "abc":
        store.add(name, name, {}, steps=1)
    assert [run.waiting for run in store.runs()] == [3, 2, 1]
    assert not store.claim("b", "cpu")
    assert store.claim("a", "cpu")
    assert not store.claim("a", "cpu")
    assert not store.claim("b", "cpu")
    assert [(run.run, run.waiting) for run in store.runs()] == [("c", 2), ("b", 1), ("a", 0)]
    store.end("a", "finished")
    assert not store.claim("c", "cpu")
    assert store.claim("b", "cpu")


def test_each_device_has_one_run(store: RunStore) -> None:
    for name in "abc":
        store.add(name, name, {}, steps=1)
    assert store.claim("a", "cuda:0")
    assert not store.claim("b", "cuda:0")
    assert store.claim("b", "cuda:1")
    assert not any(store.claim("c", device) for device in ("cuda:0", "cuda:1"))
    store.end("a", "finished")
    assert store.claim("c", "cuda:0")
    assert [run.device for run in store.runs()] == ["cuda:0", "cuda:1", "cuda:0"]


def test_a_run_takes_all_its_devices_or_none(store: RunStore) -> None:
    queued(store, *"abc")
    assert store.claim("a", "cuda:1")
    assert not store.claim("b", "cuda:0", "cuda:1")
    assert (store.run("b").status, store.held()) == ("queued", {"cuda:1"})
    store.end("a", "lost")
    assert store.claim("b", "cuda:0", "cuda:1")
    assert (store.run("b").device, store.held()) == ("cuda:0,cuda:1", {"cuda:0", "cuda:1"})
    assert not any(store.claim("c", device) for device in ("cuda:0", "cuda:1"))
    store.end("b", "finished")
    assert store.held() == set()


def test_what_an_ended_run_held_is_free_whoever_ended_it(store: RunStore) -> None:
    """An older program does not know that runs hold devices."""
    queued(store, *"abc")
    assert store.claim("a", "cuda:0", "cuda:1")
    store._change("a", status="lost")
    assert store.held() == set()
    assert store.claim("b", "cuda:1")
    assert store.held() == {"cuda:1"}
    assert store.requeue("a")
    assert store.claim("c", "cuda:0")
    assert not store.claim("a", "cuda:0", "cuda:1")
    for run in "bc":
        store.end(run, "finished")
    assert store.claim("a", "cuda:0")
    store.end("a", "stopped")
    assert store.requeue("a")
    assert store.claim("a", "cuda:0")


def test_who_waits_for_a_cluster_does_not_hold_up_the_machine(store: RunStore) -> None:
    store.add("far", "far", {}, steps=1, queue="10.0.0.1:6379")
    queued(store, "near")
    store.add("farther", "farther", {}, steps=1, queue="10.0.0.1:6379")
    assert {run.run: run.waiting for run in store.runs()} == {"far": 1, "near": 1, "farther": 2}
    assert store.claim("near", "cpu")
    assert not store.claim("farther")
    assert store.claim("far")
    assert store.claim("farther")  # whether there is room is the cluster's to say
    assert store.held() == {"cpu"}


def test_a_run_that_was_cut_off_waits_again_behind_the_others(store: RunStore) -> None:
    for name in "ab":
        store.add(name, name, {}, steps=4)
    store.claim("a", "cpu")
    store.request_stop("a")
    assert not store.requeue("a")  # it still goes on
    store.add_steps("a", [step(number) for number in (1, 2, 3)])
    for number, macro_f1 in ((1, 0.5), (2, 0.4), (3, 0.9)):
        store.add_evaluation("a", evaluation(number, macro_f1))
    store.end("a", "lost")
    assert store.requeue("a")
    run = store.run("a")
    assert (run.status, run.waiting, run.stop_requested, run.error) == ("queued", 2, False, None)
    assert run.spent >= 0
    store.rewind("a", 2, 2, sampled=0.0)
    assert [row["step"] for row in store.steps("a")] == [1, 2]
    assert store.best_step("a", 2) == store.best_step("a", 9) == 1
    assert store.best_step("a", 0) is None
    store.claim("b", "cpu")
    store.end("b", "finished")
    assert not store.requeue("b")


@pytest.mark.parametrize("names", ["a" * 8, "abcdefgh"], ids=["one run", "eight runs"])
def test_of_many_who_claim_at_once_one_gets_it(where: Path | str, names: str) -> None:
    queued(RunStore(where), *sorted(set(names)))
    won = []
    together = threading.Barrier(len(names))

    def claim(run: str) -> None:
        store = RunStore(where)
        together.wait()
        won.append(store.claim(run, "cpu"))

    threads = [threading.Thread(target=claim, args=name) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 7 + [True]


def test_a_device_cannot_have_two_runs_whatever_a_claim_saw(store: RunStore) -> None:
    queued(store, "a", "b")
    for run in "ab":
        held = insert(holds).values(run=run, host="", device="cpu")
        if run == "a":
            store._write(held)
    with pytest.raises(IntegrityError):
        store._write(held)


def test_each_host_has_devices_and_a_queue_of_its_own(where: Path | str) -> None:
    here, there = RunStore(where, host="here"), RunStore(where, host="there")
    queued(here, "a", "b")
    queued(there, "c", "d")
    assert {run.run: run.waiting for run in here.runs()} == {"a": 1, "b": 2, "c": 1, "d": 2}
    assert here.claim("a", "cpu")
    assert there.claim("c", "cpu")
    assert not here.claim("b", "cpu")
    assert not there.claim("d", "cpu")
    here.end("a", "stopped")
    assert there.requeue("a")  # it goes on at the other host, in its queue
    assert (there.run("a").host, there.run("a").waiting) == ("there", 2)
    assert here.claim("b", "cpu")


def test_new_runs_wait_behind_those_that_wait_again(store: RunStore) -> None:
    queued(store, "a", "b")
    for run in "ab":
        store.end(run, "failed")
        assert store.requeue(run)
    queued(store, "c")
    assert queue(store) == ["a", "b", "c"]


def test_waiting_runs_change_places(store: RunStore) -> None:
    queued(store, *"abc")
    assert store.swap("a", "c")
    assert queue(store) == ["c", "b", "a"]
    assert not store.claim("a", "cpu")
    assert store.claim("c", "cpu")


def test_who_does_not_wait_keeps_its_place(store: RunStore) -> None:
    queued(store, *"abc")
    store.claim("a", "cpu")
    for pair in (("a", "b"), ("b", "b"), ("b", "nobody")):
        assert not store.swap(*pair)
    assert queue(store) == ["b", "c"]
    assert [run.run for run in store.runs()] == ["c", "b", "a"]


def test_a_run_keeps_its_place_in_the_list_when_it_changes_that_in_the_queue(
    store: RunStore,
) -> None:
    queued(store, *"abc")
    store.swap("a", "c")
    assert [run.run for run in store.runs()] == ["c", "b", "a"]
