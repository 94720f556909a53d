"""The theme of `.streamlit/config.toml` is made into a message once, not anew for every live tick.

Streamlit 1.67 begins each run of a script, a tick of a fragment (`st.fragment(run_every=...)`) too, with a
message that tells the browser the whole theme: it goes through all of its settings six times, a fifth of
what a tick costs the server. The settings stay what they are as long as the server runs.
"""

from functools import cache

from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session


@cache
def keep_theme() -> None:
    """Let the parts of the theme be made once; done once a process."""
    populate = app_session._populate_theme_msg

    @cache
    def made(section: str) -> CustomThemeConfig:
        part = CustomThemeConfig()
        populate(part, section)
        return part

    def copy(msg: CustomThemeConfig, section: str = "theme") -> None:
        msg.MergeFrom(made(section))

    app_session._populate_theme_msg = copy
