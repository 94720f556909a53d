"""What can go wrong between here and the Hugging Face hub, each in one sentence."""

import httpx2
from huggingface_hub import constants, errors

from kobert_demo.errors import ModelError


def sentence(error: BaseException, name: str, repo: str, revision: str) -> ModelError:
    """Return what to tell a person of an error that the client or the system raised."""
    if isinstance(error, errors.LocalEntryNotFoundError) and error.__cause__:
        error = error.__cause__
    if isinstance(error, errors.OfflineModeIsEnabled):
        return ModelError(
            "{name} is not on this computer, and HF_HUB_OFFLINE is set: unset it, or copy the model's "
            "folder here and give its path.",
            name=name,
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return ModelError(
            "The hub has no revision {revision} of {repo}: write one that it has, such as {repo}@main.",
            revision=revision,
            repo=repo,
        )
    if isinstance(error, errors.HfHubHTTPError):
        return _refusal(error, repo)
    if isinstance(error, errors.FileMetadataError):
        return no_hub()
    if isinstance(error, httpx2.HTTPError):
        return ModelError(
            "{address} cannot be reached: check the network, or copy the model's folder here and give "
            "its path.",
            address=constants.ENDPOINT,
        )
    return ModelError(
        "Nothing can be written to {directory}: allow it, or set HF_HOME to another folder.",
        directory=constants.HF_HUB_CACHE,
    )


def _refusal(error: errors.HfHubHTTPError, repo: str) -> ModelError:
    status = error.response.status_code
    if status == 403 or isinstance(error, errors.GatedRepoError):
        return ModelError(
            "{repo} is closed to you: ask for access on {page}, and set HF_TOKEN to your token.",
            repo=repo,
            page=f"{constants.ENDPOINT}/{repo}",
        )
    if status == 401:  # also what the hub says of an unknown repository to who shows no token
        return ModelError(
            "The hub shows you no {repo}: check the spelling, or set HF_TOKEN to a token that may read it.",
            repo=repo,
        )
    if status == 404:
        return ModelError("The hub has no model {repo}: check the spelling.", repo=repo)
    return ModelError(
        "The hub has trouble (HTTP status {status}): try again later.",
        status=status,
    )


def no_hub() -> ModelError:
    """Return what to tell where something else answers in the hub's place."""
    return ModelError(
        "{address} does not answer like a Hugging Face hub: sign in to the network, or check HF_ENDPOINT.",
        address=constants.ENDPOINT,
    )
