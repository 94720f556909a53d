"""What the pages share: everything here may use Streamlit, and nothing outside but the pages does."""

from streamlit.runtime.pages_manager import PagesManager

# Until `st.navigation` was called once, Streamlit takes pages/ for its old kind of app: a visitor who
# opens /training first, after a restart, would get that file alone, without streamlit_app.py around it.
PagesManager.uses_pages_directory = False
