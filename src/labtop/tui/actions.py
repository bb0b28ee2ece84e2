"""THE table of what can be done: keys, palette, `:` command line, key line and Help are all made from it.

An action `open_run` is the method `action_open_run` of the screen in front, or else of the app. To add one, add
a row here, the method, and a line in docs/browsing.md (a test compares them).

Keys are written as people type them: `a`, `G`, `?`, `space`, `ctrl+d`, `pagedown`; `g g` is a key pressed twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from labtop.errors import UsageError

EVERYWHERE = "*"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person can do. `screens` are names of screens, or EVERYWHERE.

    `short` is the word in the key line (actions without one are left out there); `argument` says what may
    follow the name on the command line, and its handler then takes that text as an optional argument.
    """

    name: str
    keys: tuple[str, ...]
    description: str
    group: str
    screens: tuple[str, ...] = (EVERYWHERE,)
    short: str = ""
    argument: str = ""
    rank: int = 50  # place in the key line; the lowest comes first

    def acts_on(self, screen: str) -> bool:
        """Whether the action can be used on a screen."""
        return EVERYWHERE in self.screens or screen in self.screens

    @property
    def title(self) -> str:
        """The name as people read and type it: open-run."""
        return self.name.replace("_", "-")


_RUNS = ("runs",)
_ONE = ("runs", "run")
_ANY = ("runs", "run", "curves", "compare")
_GRIDS = ("runs", "compare")
_COMPARE = ("compare",)
_REPRODUCE = ("reproduce",)
_CURVES = ("curves",)
_BASED = (*_GRIDS, "curves")
_TEXTS = ("run", "help", "difference", "reproduce", "value")
_LISTS = ("runs", "run", "help", "problems", "compare", "difference", "reproduce", "value")
_VALUE = ("value",)

ACTIONS: tuple[Action, ...] = (
    # moving
    Action("down", ("down", "j"), "one line down", "Moving", _LISTS),
    Action("up", ("up", "k"), "one line up", "Moving", _LISTS),
    Action("left", ("left", "h"), "one column to the left", "Moving", (*_GRIDS, *_VALUE)),
    Action("right", ("right", "l"), "one column to the right", "Moving", (*_GRIDS, *_VALUE)),
    Action("top", ("g g", "home"), "to the first line", "Moving", _LISTS),
    Action("bottom", ("G", "end"), "to the last line", "Moving", _LISTS),
    Action("half_page_down", ("ctrl+d",), "half a page down", "Moving", _LISTS),
    Action("half_page_up", ("ctrl+u",), "half a page up", "Moving", _LISTS),
    Action("page_down", ("pagedown", "ctrl+f"), "a page down", "Moving", _LISTS),
    Action("page_up", ("pageup",), "a page up", "Moving", _LISTS),
    Action("first_column", ("0", "^"), "to the first column", "Moving", _GRIDS),
    Action("last_column", ("$",), "to the last column", "Moving", _GRIDS),
    Action("next_pane", ("tab",), "to the next pane", "Moving", ("runs", "run", "reproduce")),
    Action("previous_pane", ("shift+tab",), "to the previous pane", "Moving", ("runs", "run", "reproduce")),
    Action("next_match", ("n",), "to the next match", "Moving", ("runs", *_TEXTS)),
    Action("previous_match", ("N",), "to the previous match", "Moving", ("runs", *_TEXTS)),
    # finding
    Action(
        "filter", ("/",), "filter the runs as you type", "Finding", _RUNS, "filter", "EXPRESSION", rank=10
    ),
    Action("search", ("/",), "search in the text", "Finding", _TEXTS, "search", "TEXT", rank=10),
    Action("only_value", ("=",), "only runs with this cell's value", "Finding", _RUNS),
    Action("not_value", ("!",), "no runs with this cell's value", "Finding", _RUNS),
    Action("sort", ("o",), "sort by a column", "Finding", _RUNS, "sort", "[-]COLUMN …", rank=20),
    Action("add_sort", ("O",), "add a sort key", "Finding", _RUNS, argument="[-]COLUMN …"),
    Action("archived", (), "show or hide archived runs", "Finding", _RUNS),
    # marking
    Action("mark", ("space",), "mark this run", "Marking", _RUNS, "mark", rank=15),
    Action("mark_range", ("V",), "mark from the last mark to here", "Marking", _RUNS),
    Action("invert_marks", ("*",), "mark what is unmarked, among what is shown", "Marking", _RUNS),
    Action("clear_marks", ("U",), "unmark all", "Marking", _RUNS),
    Action("baseline", ("b",), "pin this run as the baseline; deltas are shown against it", "Marking", _BASED),
    # columns
    Action("columns", ("C",), "choose the columns", "Columns", _RUNS, "columns", "COLUMN,COLUMN…", rank=40),
    Action("hide_column", ("-",), "hide this column", "Columns", _RUNS, argument="COLUMN"),
    Action("narrower", ("<",), "make this column narrower", "Columns", _RUNS),
    Action("wider", (">",), "make this column wider", "Columns", _RUNS),
    Action("move_left", ("H",), "move this column to the left", "Columns", _RUNS),
    Action("move_right", ("L",), "move this column to the right", "Columns", _RUNS),
    Action("all_columns", (), "show the columns that do not vary too, or hide them again", "Columns", _RUNS),
    # grouping and views
    Action("group_seeds", ("s",), "group runs that are the same but for the seed", "Views", _RUNS, "seeds", rank=45),
    Action("group", ("S",), "group by a column", "Views", _RUNS, argument="COLUMN,COLUMN…"),
    Action("views", ("v",), "open, keep or delete a view", "Views", _RUNS, argument="NAME or FILE"),
    Action("save_view", (), "keep the view under a name", "Views", _RUNS, argument="NAME or FILE"),
    Action("delete_view", (), "delete a saved view", "Views", _RUNS, argument="NAME"),
    Action("undo", ("u",), "undo a change of the view", "Views", _RUNS),
    Action("redo", ("ctrl+r",), "redo it", "Views", _RUNS),
    Action("follow", ("F",), "follow the newest run", "Views", _RUNS),
    # doing
    Action("open_run", ("enter",), "open the run, or the members of a group", "Doing", _RUNS, "open", rank=12),
    Action("tag", ("t",), "add or remove tags", "Doing", ("runs", "run"), argument="TAG -TAG …"),
    Action("note", ("T",), "write a note", "Doing", ("runs", "run"), argument="TEXT"),
    Action("rename", (), "give the run another name", "Doing", ("runs", "run"), argument="NAME"),
    Action("archive", (), "archive the run, or bring it back", "Doing", ("runs", "run")),
    Action("yank", ("y",), "copy id, name, params, metrics, command, place, SQL", "Doing", _ONE, "copy", rank=35),
    Action("export", ("e",), "export what is shown", "Doing", (*_RUNS, "curves"), "export", "FILE", rank=46),
    Action("reload", ("R",), "look again for new and changed runs", "Doing"),
    Action("show_value", ("enter",), "open the image, table or curve here", "Doing", ("run",), "open", rank=12),
    Action("next_step", ("]",), "the value at the next step", "Doing", _VALUE, "next step", rank=10),
    Action("previous_step", ("[",), "the value at the step before", "Doing", _VALUE, "step before", rank=11),
    # comparing
    Action("all_facts", ("a",), "what is equal too, or only what differs", "Comparing", _COMPARE, "all", rank=12),
    Action("filter_facts", ("/",), "keep facts that hold words", "Comparing", _COMPARE, "filter", "WORDS", rank=10),
    Action("open_value", ("enter",), "the value as a text diff, or fold", "Comparing", _COMPARE, "diff", rank=14),
    Action("code_diff", ("d",), "what changed in the code, patches included", "Comparing", _COMPARE, "code", rank=16),
    Action("fold", ("space",), "fold a section or branch away, or unfold it", "Comparing", _COMPARE, "fold", rank=18),
    Action("transpose", ("x",), "a row a run, or a column a run", "Comparing", _COMPARE, "transpose", rank=20),
    Action("copy_compared", ("y",), "copy a value, a line or everything", "Comparing", _COMPARE, "copy", rank=35),
    # reproducing
    Action("copy_plan", ("y",), "copy the script, or a line of it", "Reproducing", _REPRODUCE, "copy", rank=12),
    Action("copy_line", ("Y",), "copy the line under the cursor", "Reproducing", _REPRODUCE),
    Action("write_script", ("w",), "write the script to a file", "Reproducing", _REPRODUCE, "write", "FILE", rank=14),
    Action(
        "choose_environment", ("E",), "bring the environment back another way", "Reproducing", _REPRODUCE,
        "environment", "uv|pip|conda|docker|current|auto", rank=16,
    ),
    # curves
    Action("cursor_left", ("left", "h"), "cursor to the point before", "Curves", _CURVES),
    Action("cursor_right", ("right", "l"), "cursor to the next point", "Curves", _CURVES, "values", rank=10),
    Action("cursor_far_left", ("shift+left", "{"), "cursor ten cells to the left", "Curves", _CURVES),
    Action("cursor_far_right", ("shift+right", "}"), "cursor ten cells to the right", "Curves", _CURVES),
    Action("cursor_first", ("home", "0", "g g"), "cursor to the first point", "Curves", _CURVES),
    Action("cursor_last", ("end", "$", "G"), "cursor to the last point", "Curves", _CURVES),
    Action("next_curve", ("down", "j"), "the next curve to the front", "Curves", _CURVES, "one run", rank=22),
    Action("previous_curve", ("up", "k"), "the curve before to the front", "Curves", _CURVES),
    Action("next_metric", ("n", "tab"), "the next metric", "Curves", _CURVES, "metric", rank=11),
    Action("previous_metric", ("N", "shift+tab"), "the metric before", "Curves", _CURVES),
    Action("next_metrics", ("pagedown", "ctrl+f"), "the next page of metrics", "Curves", _CURVES),
    Action("previous_metrics", ("pageup",), "the page of metrics before", "Curves", _CURVES),
    Action("filter_metrics", ("f", "/"), "only metrics with a word", "Curves", _CURVES, "find", "WORD", rank=18),
    Action("zoom", ("z", "enter"), "this metric alone, or all of them", "Curves", _CURVES, "zoom", rank=12),
    Action(
        "x_axis", ("x",), "x is step, time since the start, clock time", "Curves", _CURVES, "x axis",
        "step|relative|clock|METRIC", rank=14,
    ),
    Action("x_metric", ("M",), "a metric as the x axis", "Curves", _CURVES),
    Action("smooth_more", ("]",), "smoother", "Curves", _CURVES, "smooth", rank=13),
    Action("smooth_less", ("[",), "less smooth", "Curves", _CURVES),
    Action("smoothing_method", ("w",), "smooth by EMA, or by a window of points", "Curves", _CURVES),
    Action("smooth", (), "smooth by a weight (0.9) or a window (25)", "Curves", _CURVES, argument="AMOUNT"),
    Action("log_y", ("Y",), "logarithmic y axis, or back", "Curves", _CURVES, "log", rank=16),
    Action("log_x", ("X",), "logarithmic x axis, or back", "Curves", _CURVES),
    Action("cut_outliers", ("p",), "y without the outermost 1 % of the points", "Curves", _CURVES),
    Action("zoom_in", ("+",), "half as much of x, around the cursor", "Curves", _CURVES),
    Action("zoom_out", ("-",), "twice as much of x", "Curves", _CURVES),
    Action("zoom_all", ("Z",), "all of x", "Curves", _CURVES),
    Action("average_seeds", ("s",), "mean of runs that differ in seeds only", "Curves", _CURVES, "seeds", rank=20),
    Action("behind", ("B",), "what lies behind a curve: its points; ± std, min-max", "Curves", _CURVES),
    Action(
        "ranks", ("A",), "of several processes: rank 0, mean, lowest, highest, all", "Curves", _CURVES,
        argument="0|RANK|mean|min|max",
    ),
    Action("all_runs", ("a",), "the runs that the Runs screen shows, or the chosen ones", "Curves", _CURVES),
    # screens
    Action("compare", ("c",), "compare the marked runs", "Screens", ("runs", "run", "curves"), "compare", rank=25),
    Action("reproduce", ("r",), "how to bring this run back", "Screens", _ANY, "reproduce", rank=30),
    Action("show_runs", ("1",), "Runs", "Screens"),
    Action("show_run", ("2",), "Run: everything recorded of one", "Screens"),
    Action("show_curves", ("3",), "Curves: metrics over steps or time", "Screens", short="curves", rank=28),
    Action("show_compare", ("4",), "Compare: what differs between runs", "Screens"),
    Action("show_reproduce", ("5",), "Reproduce: the plan that brings a run back", "Screens"),
    Action("problems", ("P",), "what could not be read, and why", "Screens"),
    Action("help", ("?", "f1"), "keys and commands", "Screens", short="help", rank=90),
    # program
    Action("palette", ("ctrl+p",), "find an action by typing", "Program"),
    Action("command_line", (":",), "type a command", "Program"),
    Action("theme", (), "choose the colours", "Program", argument="auto|dark|light|ansi"),
    Action("mouse", ("m",), "mouse on or off (off lets the terminal select text)", "Program"),
    Action("close", ("escape",), "close what is on top", "Program"),
    Action("back", ("q",), "back; at the first screen, quit", "Program", short="back", rank=95),
    Action("quit", ("ctrl+q",), "quit", "Program"),
)  # fmt: skip

BY_NAME: Mapping[str, Action] = {action.name: action for action in ACTIONS}

ALIASES: Mapping[str, str] = {"q": "quit", "q!": "quit", "w": "export", "h": "help"}


class Keymap:
    """Which keys do what, with the user's changes laid over the table.

    Raises UsageError for an action that there is not, and for a key that two actions of one screen would share.
    """

    def __init__(self, changes: Mapping[str, str] | None = None, actions: Iterable[Action] = ACTIONS) -> None:
        self.actions = tuple(actions)
        known = {action.name: action for action in self.actions}
        self._keys = {action.name: action.keys for action in self.actions}
        changed = set()
        for written, keys in (changes or {}).items():
            name = written.replace("-", "_")
            if name not in known:
                raise UsageError(f"settings: keys names an unknown action {written!r}", _nearest(name, known))
            self._keys[name] = _parse_keys(keys)
            changed.add(name)
        self._check(changed)
        self._prefixes = {keys.split()[0] for each in self._keys.values() for keys in each if " " in keys}

    def keys(self, name: str) -> tuple[str, ...]:
        """The keys of an action."""
        return self._keys.get(name, ())

    def is_prefix(self, key: str) -> bool:
        """Whether a key may begin a sequence."""
        return key in self._prefixes

    def find(self, screen: str, keys: str) -> Action | None:
        """What `keys` does on a screen; an action of that screen alone goes before one of every screen."""
        found = [each for each in self.actions if keys in self._keys[each.name] and each.acts_on(screen)]
        return min(found, key=lambda each: EVERYWHERE in each.screens, default=None)

    def on_screen(self, screen: str) -> list[Action]:
        """The actions of a screen, in the order of the table."""
        return [each for each in self.actions if each.acts_on(screen)]

    def _check(self, changed: set[str]) -> None:
        screens = {screen for each in self.actions for screen in each.screens}
        for screen in sorted(screens):
            owners: dict[str, Action] = {}
            for action in self.on_screen(screen):
                for key in self._keys[action.name]:
                    other = owners.setdefault(key, action)
                    if other is not action and {other.name, action.name} & changed:
                        raise UsageError(
                            f"settings: key {key!r} would mean both {other.title!r} and {action.title!r}"
                            + (f" on the screen {screen!r}" if screen != EVERYWHERE else ""),
                            "give one of them another key",
                        )


def parse_command(line: str, screen: str) -> tuple[Action, str]:
    """The action that a command line names, and the rest of the line; the start of a name will do.

    Raises UsageError where nothing or more than one thing fits.
    """
    word, _, rest = line.strip().lstrip(":").partition(" ")
    name = ALIASES.get(word, word).replace("-", "_")
    usable = {each.name: each for each in ACTIONS if each.acts_on(screen)}
    fits = (
        [usable[name]] if name in usable else [each for each in usable.values() if each.name.startswith(name)]
    )
    if len(fits) == 1:
        return fits[0], rest.strip()
    if fits:
        raise UsageError(f"{word!r} could be {', '.join(each.title for each in fits[:6])}")
    if name in BY_NAME:
        raise UsageError(
            f"{word!r} does nothing on this screen", f"it is for: {', '.join(BY_NAME[name].screens)}"
        )
    raise UsageError(f"there is no command {word!r}", _nearest(name, usable))


def _nearest(name: str, known: Iterable[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name, list(known), 3, 0.5)
    return "nearest: " + ", ".join(each.replace("_", "-") for each in near) if near else "'?' lists them all"


def _parse_keys(text: str) -> tuple[str, ...]:
    """Keys of the settings file: "x", "ctrl+x", or several with commas between; a comma alone is that key."""
    if text.strip() == ",":
        return (",",)
    return tuple(" ".join(each.split()) for each in text.split(",") if each.strip())
