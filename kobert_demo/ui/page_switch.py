"""A page that ticks must not come back after the visitor was led to another one.

`st.switch_page` leaves a moment in which the browser has not heard of the new page and sends a tick of
the old one (`st.fragment(run_every=...)`). Streamlit 1.67 would run it after the new page, as the old page:
the visitor then looks at an empty page. Pages that the browser itself opens (links) have no such moment.
"""

from functools import cache, wraps

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession


@cache
def drop_late_ticks() -> None:
    """Let every session drop the ticks of a page that it has left; done once a process."""
    request_rerun = AppSession.request_rerun

    @wraps(request_rerun)
    def unless_late(session: AppSession, client_state: ClientState | None) -> None:
        if client_state and client_state.is_auto_rerun:
            shown = session._pages_manager.current_page_script_hash
            if client_state.page_script_hash != shown:
                return
        request_rerun(session, client_state)

    AppSession.request_rerun = unless_late  # type: ignore[method-assign, assignment]
