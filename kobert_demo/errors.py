"""What can go wrong for a person, each said in one sentence.

KobertDemoError
├── DataError        a file or dataset that cannot be used
├── ConfigError      settings that cannot be trained with
├── ModelError       a model, vocabulary or bundle that cannot be loaded
└── RunError         a run that cannot be found, started or stopped
    └── NotNow       a run that a cluster cannot take at the moment
"""

from kobert_demo.language import Language, Message


class KobertDemoError(Exception):
    """The base of the project's own errors; pages and the shell say it and stop.

    Several problems of one input are reported together: pass the others as `also`.
    """

    def __init__(self, text: str, /, also: tuple[Message, ...] = (), **values: object) -> None:
        self.messages = (Message(text, values), *also)
        super().__init__(text)

    def in_language(self, language: Language) -> str:
        return " ".join(message.in_language(language) for message in self.messages)

    def __str__(self) -> str:
        return self.in_language("en")


class DataError(KobertDemoError):
    """A file or dataset that cannot be used."""


class ConfigError(KobertDemoError):
    """Settings that cannot be trained with."""


class ModelError(KobertDemoError):
    """A model, vocabulary or bundle that cannot be loaded."""


class RunError(KobertDemoError):
    """A run that cannot be found, started or stopped."""


class NotNow(RunError):
    """A run that a cluster cannot take at the moment; it may later."""
