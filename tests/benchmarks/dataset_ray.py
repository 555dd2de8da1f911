"""A Ray cluster of two nodes on this machine, one killed in the middle: the same bytes?

    python dataset_ray.py              # needs guise[ray]

Draws one dataset in a single process with as many workers as the cluster has processors, one on the
whole cluster, and one on a cluster of which a node is killed when a third of the shards are there.
Times are wall time from the call to the end, cluster start not counted.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from support import import_guise, markdown_table, processor


def tree(folder: Path) -> dict[str, str]:
    """sha256 of every file but the log of the runs."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "run.jsonl"
    }


def start_cluster() -> tuple[Any, Any]:
    """A head without processors, and two nodes with one each; the second is the one to kill."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    cluster.add_node(num_cpus=1)
    return cluster, cluster.add_node(num_cpus=1)


def kill_when(folder: Path, shards: int, cluster: Any, node: Any) -> threading.Thread:
    """Kills the node when so many shards have their notes; for good, and in the middle of one."""

    def wait_and_kill() -> None:
        while len(list(folder.glob("parts/*.json"))) < shards:
            time.sleep(0.02)
        cluster.remove_node(node, allow_graceful=False)

    thread = threading.Thread(target=wait_and_kill)
    thread.start()
    return thread


def main() -> None:
    """Prints the table; exit status 1 when a byte differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--identities", type=int, default=200)
    parser.add_argument("--images", type=int, default=10)
    parser.add_argument("--size", type=int, default=112)
    parser.add_argument("--format", default="webdataset")
    arguments = parser.parse_args()
    import ray

    guise = import_guise()
    from guise.ray_cluster import synthesize_on_ray

    plan = {
        "identities": arguments.identities,
        "images_per_identity": arguments.images,
        "size_px": arguments.size,
        "format": arguments.format,
        "identities_per_shard": 10,
    }
    pictures = arguments.identities * arguments.images
    shards = guise.plan_dataset(**plan).plan.shards
    rows: list[list[str]] = []
    trees: list[dict[str, str]] = []
    with tempfile.TemporaryDirectory(prefix="guise-ray-") as name:
        for kind in ("one process, 2 workers", "two nodes", "two nodes, one killed"):
            target = Path(name) / str(len(rows))
            cluster, node = (None, None) if not rows else start_cluster()
            killer = None
            if cluster is not None:
                ray.init(address=cluster.address, log_to_driver=False)
            if len(rows) == 2:
                killer = kill_when(target, shards // 3, cluster, node)
            started = time.perf_counter()
            if cluster is None:
                guise.synthesize_dataset(target, workers=2, **plan)
            else:
                synthesize_on_ray(target, plan)
            seconds = time.perf_counter() - started
            if killer is not None:
                killer.join()
            if cluster is not None:
                ray.shutdown()
                cluster.shutdown()
            trees.append(tree(target))
            rows.append([kind, f"{seconds:.1f}", f"{pictures / seconds:.1f}"])
            rows[-1].append("yes" if trees[-1] == trees[0] else "NO")
            print(rows[-1], file=sys.stderr, flush=True)
    print(f"{pictures} pictures of {arguments.size} px in {shards} shards; {processor()}\n")
    print(markdown_table(["drawn by", "seconds", "pictures a second", "same bytes"], rows))
    sys.exit(0 if all(each == trees[0] for each in trees) else 1)


if __name__ == "__main__":
    main()
