"""What was frozen into a run at its launch, in the visitor's words."""

from kobert_demo.config import SETTINGS
from kobert_demo.dataset import list_datasets
from kobert_demo.runs import place_of
from kobert_demo.store import Row, Run
from kobert_demo.ui.session import language, t, workspace


def run_facts(run: Run) -> dict[str, str]:
    """Return the settings, the data and the versions of a run, each by its translated name."""
    record = run.record
    config, spoken = dict(record["config"]), language()
    return {
        t("Model"): config.pop("model"),
        **{
            SETTINGS[name].name.in_language(spoken): format(value, ",.10g")
            for name, value in config.items()
        },
        **({t("Commit on the hub"): record["revision"]} if record.get("revision") else {}),
        **(_data_facts(record["data"]) if "data" in record else {}),
        t("Label"): ", ".join(record["labels"]),
        t("SHA-256 of the vocabulary"): record["vocabulary_sha256"],
        **{
            t("Version of {package}", package=name): version
            for name, version in record["versions"].items()
        },
        **({t("Trained on"): where} if (where := _where(run)) else {}),
        t("Run"): run.run,
    }


def _where(run: Run) -> str | None:
    place = place_of(run.record)
    if not place.address:
        return run.device
    facts = {"address": place.address, "workers": place.processes, "gpus": place.gpus}
    return t("Ray cluster {address}, workers: {workers}, GPUs of each: {gpus}", **facts)


def _data_facts(data: Row) -> dict[str, str]:
    return {
        t("Training data"): data["name"],
        t("Training sentences"): f"{data['train_rows']:,}",
        t("Test data"): _test_data(data),
        t("Test sentences"): f"{data['test_rows']:,}",
        t("SHA-256 of the training data"): data["train_sha256"],
        t("SHA-256 of the test data"): data["test_sha256"],
    }


def _test_data(data: Row) -> str:
    """Return the name of the test data, or how it was split off."""
    test: str | None = data["test"]
    if test is None:
        share = f"{data['test_fraction']:.0%}"
        return t("{share} split off with seed {seed}", share=share, seed=data["seed"])
    names = {summary.id: summary.name for summary in list_datasets(workspace())}
    return names.get(test, test)
