"""C: the host as whoever runs pods, against one that runs: what it may ask of the agent the manifest says. Acted out by tests/e2e/test_host_asks.py on sample, and by
tests/e2e/test_guest_store.py in a machine (one boot in make check)."""
from stage import *

HERE = "tests/e2e/test_host_asks.py, on sample: the agent and its gate are those of a machine"


@row("C12", "exec of a line that the manifest does not list, or of a listed one with other environment, folder, user, groups, capabilities, limits, terminal, privileges", "gate", HERE)
def c12(w):
    asked(["exec_as_listed_runs"] + ["exec_with_%s_is_refused" % n for n in (
        "another_line", "a_longer_line", "a_shorter_line", "a_line_joined", "no_line", "another_environment", "no_environment", "another_folder", "another_user", "another_group",
        "further_groups", "a_user_by_name", "a_capability", "a_terminal", "new_privileges", "other_limits", "another_profile", "a_port_of_the_host", "an_odd_number")])


@row("C12b", "of a machine: exec of another line, or of one listed for another container; logs that are not granted, while it runs and after", "gate",
     "tests/e2e/test_guest_store.py (a debug image, service and registry of the test's; *emulated boundary*)")
def c12_machine(w):
    machine(["exec_in_the_machine_runs_what_is_listed", "exec_in_the_machine_of_another_line_is_refused", "exec_in_the_machine_s_other_container_is_refused",
             "logs_come_out_of_the_machine_while_it_runs", "logs_of_the_machine_that_are_not_granted_are_refused", "logs_of_a_stopped_machine_are_those_that_were_granted"])


@row("C13", "exec in one container of a line that is listed for another", "gate", HERE)
def c13(w):
    asked(["exec_as_listed_runs", "exec_of_one_container_s_line_in_another_is_refused", "coffer_exec_in_the_other_container_is_refused",
           "exec_in_a_container_of_no_name_is_refused"])


@row("C14", "logs of a container whose output the manifest keeps: while it runs, and of the stopped pod", "gate", HERE)
def c14(w):
    asked(["logs_of_what_the_manifest_keeps_are_refused", "ReadStdout_of_what_the_manifest_keeps_is_refused", "ReadStderr_of_what_the_manifest_keeps_is_refused",
           "logs_of_a_stopped_pod_are_those_that_were_granted", "logs_of_a_stopped_pod_hold_nothing_else", "what_the_manifest_keeps_is_in_no_file_of_the_host",
           "output_of_a_process_that_was_never_started_is_refused"])


@row("C15", "the host attaches: bytes for a container's standard input, a window's size", "gate", HERE)
def c15(w):
    asked(["WriteStdin_is_refused", "CloseStdin_is_refused", "TtyWinResize_is_refused"])


@row("C23", "the host puts another policy in the agent's place", "gate", HERE)
def c23(w):
    asked(["SetPolicy_is_refused"])


@row("C29", "a signal that the manifest does not list", "gate", HERE)
def c29(w):
    asked(["signal_that_is_not_listed_is_refused", "the_pod_stops"])
