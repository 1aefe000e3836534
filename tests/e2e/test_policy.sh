#!/bin/sh
# coffer policy eval, check and test: outcomes, exit codes and what is printed.
# test_policy.sh COFFER
set -u
coffer=$(realpath "$1")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
n=0
bad=0

report() { # condition's exit code, name
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n $2"; else echo "not ok $n $2"; sed 's/^/# /' out err 2>/dev/null | head -20; bad=1; fi
}

# exit code, text that stdout or stderr must hold, name, words...
expect() {
	want=$1; text=$2; name=$3; shift 3
	env -i PATH=/usr/bin:/bin "$coffer" policy "$@" >out 2>err </dev/null
	got=$?
	[ $got = "$want" ] && { [ -z "$text" ] || cat out err | grep -qF -- "$text"; }
	rc=$?
	[ $rc = 0 ] || echo "# exit $got, wanted $want and \"$text\""
	report $rc "$name"
}

mkdir -p p/sub
cat >p/a.rego <<'R'
package a

default allow := false

allow if input.user == data.owner

names contains n if some n, _ in data.people

rv := query_reference_value("x")

odd := 1 / input.zero

loud if print("heard", input.user)

two := 1 if true
two := 2 if input.user == "ann"
R
cat >p/sub/b.rego <<'R'
package b
import data.a
twice := 2 * count(a.names)
R
echo '{"owner": "ann", "people": {"bob": 1, "cid": 2}}' >d.json
echo '{"user": "ann", "zero": 0}' >i.json
echo '{"user": "bob", "zero": 0}' >j.json
echo '{"x": ["v"]}' >rv.json

expect 0 true "eval_of_a_rule_prints_its_value" eval -d d.json -i i.json -p p data.a.allow
expect 0 false "eval_of_false_is_a_value" eval -d d.json -i j.json -p p/a.rego data.a.allow
expect 0 4 "eval_reads_folders_and_several_policies" eval -d d.json -p p/a.rego -p p/sub data.b.twice
expect 0 '"n": "cid"' "eval_of_a_query_prints_bindings" eval -d d.json -p p 'data.a.names[n]; n != "bob"'
expect 1 undefined "eval_of_what_is_undefined_exits_1" eval -d d.json -i j.json -p p data.a.odd
expect 3 no-such-rule "eval_of_no_rule_exits_3" eval -d d.json -p p data.a.nothing
expect 3 eval_builtin_error "eval_strict_makes_an_error_of_it" eval --strict -d d.json -i i.json -p p data.a.odd
expect 3 "p/a.rego:" "eval_names_the_place_of_an_error" eval -d d.json -i i.json -p p data.a.two
expect 0 '"outcome":"value","result":[{' "eval_json_has_the_value" eval --json -d d.json -i i.json -p p data.a.allow
expect 0 '"expressions":[true]' "eval_json_has_expressions" eval --json -d d.json -i i.json -p p data.a.allow
expect 1 '{"outcome":"undefined","result":[],"error":null}' "eval_json_of_undefined" eval --json -i i.json -p p data.a.odd
expect 3 '{"outcome":"no-such-rule","result":[],"error":null}' "eval_json_of_no_rule" eval --json -p p data.zz.top
expect 3 '"code":"eval_conflict_error"' "eval_json_of_an_error" eval --json -i i.json -p p data.a.two
expect 0 heard "eval_prints_go_to_stderr" eval -i i.json -p p data.a.loud
grep -q heard err
report $? "eval_prints_are_not_on_stdout"
expect 0 null "eval_reference_values_are_null" eval -p p data.a.rv
expect 0 '["v"]' "eval_reference_values_come_from_a_file" eval --json --reference-values rv.json -p p data.a.rv
expect 0 3 "eval_needs_no_policy" eval '1 + 2'
expect 3 "rego_parse_error" "eval_refuses_a_query_of_odd_form" eval '1 +'
expect 3 "there is no such file" "eval_of_a_missing_policy_exits_3" eval -p nowhere data.a
echo '{"a": 1' >bad.json
expect 3 bad.json "eval_of_malformed_input_exits_3" eval -i bad.json -p p data.a.allow
env -i "$coffer" policy eval -i - 'input.user = x' <i.json >out 2>err && grep -q '"x": "ann"' out
report $? "eval_reads_input_from_stdin"
if [ -e /usr/share/zoneinfo/Asia/Kolkata ]; then
	expect 0 00:10:53+05:30 "eval_knows_the_machines_time_zones" eval 'time.format([1670006453000000000, "Asia/Kolkata"])'
	expect 3 "unknown time zone" "eval_takes_no_path_for_a_time_zone" eval --strict 'time.clock([0, "../zoneinfo/Asia/Kolkata"])'
fi
deep=q; for i in 1 2 3 4 5 6 7 8; do deep=$deep/a/b/c/d; done
mkdir -p "$deep/e"
expect 3 "nested too deeply" "folders_are_read_to_a_depth" check q
mkdir none
expect 3 "none: no file in it ends in .rego" "check_of_a_folder_without_policies_is_no_success" check p/sub/b.rego none
expect 3 "none: no file in it ends in .rego" "eval_of_a_folder_without_policies_says_so" eval -p none data.a.allow
expect 3 "none: no file in it ends in .json" "test_of_a_folder_without_cases_is_no_success" test none
expect 3 "d.json: no file of cases of a known suite" "test_of_what_holds_no_cases_is_no_success" test d.json
expect 3 "d.json: no file of cases of nosuch" "test_of_a_suite_that_is_not_there_is_no_success" test --suite nosuch d.json
expect 2 "missing argument" "eval_without_query_is_a_usage_error" eval -p p
expect 2 "unknown option" "eval_with_unknown_letter_is_a_usage_error" eval -q p data.a
expect 2 "unknown option" "one_letter_takes_one_dash" eval --p p data.a
expect 0 explain "eval_explains_when_asked" eval --json --explain -d d.json -i j.json -p p data.a.allow
grep -q '"found":"\\"bob\\""' out
report $? "explanation_tells_what_was_found"
expect 0 '(secret)' "explanation_leaves_secrets_out" eval --explain --secret input.user -d d.json -i j.json -p p data.a.allow
grep -q bob out
[ $? = 1 ]
report $? "a_secret_is_nowhere_in_it"

printf 'package v\np { true }\n' >v0.rego
printf 'package c\nx := 1\ny := fun(1)\n' >call.rego
printf 'package d\nx := y if {\n\tz == 1\n}\n' >unsafe.rego
printf 'package e\n\nx := {1 2}\n' >syntax.rego
expect 0 "" "check_of_good_policies_succeeds" check p/a.rego p/sub/b.rego
expect 3 "v0.rego:2:1: rego_parse_error: \`if\` keyword is required before rule body" "check_names_file_line_and_column" check v0.rego
expect 0 "" "check_reads_v0_when_asked" check --v0 v0.rego
expect 3 "call.rego:3:6: rego_type_error" "check_refuses_unknown_functions" check call.rego
expect 3 "rego_unsafe_var_error" "check_refuses_unsafe_variables" check p/a.rego unsafe.rego
expect 3 "syntax.rego:3:9: rego_parse_error" "check_counts_columns_from_1" check syntax.rego
expect 3 '{"ok":false,"errors":[{"code":"rego_parse_error","file":"syntax.rego","line":3,"column":9' "check_json" check --json syntax.rego p
expect 0 '{"ok":true,"errors":[]}' "check_json_of_nothing_wrong" check --json p
expect 3 "there is no such file" "check_of_a_missing_file_exits_3" check nowhere.rego
printf 'package f\nx := data.g.h(1)\n' >f.rego
printf 'package g\nh(x) := x\n' >g.rego
expect 3 "undefined function" "check_of_half_a_policy_fails" check f.rego
expect 0 "" "check_of_both_halves_succeeds" check f.rego g.rego

mkdir -p t/deep
cat >t/deep/opa.json <<'J'
{"suite": "opa", "group": "g", "cases": [
 {"note": "good", "query": "data.a.p = x", "modules": ["package a\np := {1, 2}"], "want_result": [{"x": [1, 2]}], "x_id": "id-good", "x_tier": 0},
 {"note": "wrong", "query": "data.a.p = x", "modules": ["package a\np := 1"], "want_result": [{"x": 2}], "x_id": "id-wrong", "x_tier": 1},
 {"note": "false", "query": "data.a.p", "modules": ["package a\np := false"], "want_result": [], "x_id": "id-false", "x_tier": 0},
 {"note": "error", "query": "data.a.p = x", "modules": ["package a\np := 1\np := 2"], "want_error_code": "eval_conflict_error", "x_id": "id-error"},
 {"note": "noerror", "query": "data.a.p = x", "modules": ["package a\np := 1"], "want_error_code": "eval_conflict_error", "x_id": "id-noerror", "x_tier": 2},
 {"note": "skip", "query": "data.a.p", "modules": [], "want_result": [], "skip": true, "x_id": "id-skip", "x_tier": 0}]}
J
cat >t/regorus.json <<'J'
{"suite": "regorus", "group": "r", "cases": [
 {"query": "data.a.p", "modules": ["package a\np := {1, 2}"], "want_result": {"set!": [2, 1]}, "x_id": "r-set"},
 {"query": "data.a.p", "modules": ["package a\np := {1, 2}"], "want_result": [1, 2], "x_id": "r-list"},
 {"query": "data.a.p", "modules": ["package a\np { true }"], "x_v0": true, "want_result": true, "x_id": "r-v0"},
 {"query": "data.a.p", "modules": ["package a\np := input"], "input": {"many!": [1, 2]}, "want_result": {"many!": [1, 2]}, "x_id": "r-many"},
 {"query": "data.a.p", "modules": ["package a\np := x"], "error": "unsafe", "x_id": "r-error"}]}
J
cat >t/parser.json <<'J'
{"suite": "regorus-parser", "cases": [{"rego": "package a\nx := [1,,]", "error": "e", "x_id": "p-bad"}, {"rego": "package a", "x_id": "p-good"}]}
J
cat >t/lexer.json <<'J'
{"suite": "regorus-lexer", "cases": [{"rego": "a -1 set( ) \"b\" #c", "tokens": ["a", "-1", "set(", ")", "b", ""], "x_id": "l-good"}, {"rego": "a\u000b", "error": "e", "x_id": "l-bad"}]}
J
cat >t/trustee.json <<'J'
{"cases": [{"note": "in", "policy": "rego/x.rego", "input": {"a": 1}, "want": {"data.policy.allow": {"value": true}, "data.policy.no": {"no_rule": true}, "data.policy.un": {"undefined": true}, "data.policy.two": {"error": "conflict"}}}, {"note": "gone", "policy": "rego/y.rego", "want": {}}]}
J
mkdir -p lib/rego lib/kata-replay/pod1 t/pod1
printf 'package policy\nallow if input.a == 1\nun if input.a == 2\ntwo := 1\ntwo := 2 if allow\n' >lib/rego/x.rego
printf 'package k\np { input.a == 1 }\n' >lib/kata-replay/pod1/policy.rego
printf '%s\n' '{"x_v0": true, "requests": [{"rule": "data.k.p", "input": {"a": 1}, "want": true}, {"rule": "data.k.p", "input": {}, "want": "<undefined>"}]}' >t/pod1/requests.json
echo '[1, 2]' >t/other.json

expect 1 "failed id-wrong: result is" "test_names_failing_cases" test t
tail -1 out | grep -qx '11 passed, 3 failed, 5 skipped'
report $? "test_ends_with_the_total"
grep -q '^failed r-list: ' out && grep -q '^failed id-noerror: no error' out
report $? "test_tells_sets_from_arrays_and_misses_errors"
grep -q '^skipped id-skip: skip' out && grep -q '^skipped trustee.json#1 gone: rego/y.rego is not there' out && grep -q 'skipped pod1/requests.json#0: policy.rego is not there' out
report $? "test_names_skipped_cases_with_reasons"
grep -q '^opa/g  *3 passed, 2 failed, 1 skipped$' out
report $? "test_counts_groups"
expect 1 "14 passed, 3 failed, 2 skipped" "test_finds_policies_in_the_folder_named" test --policies lib t
expect 0 "3 passed, 0 failed, 1 skipped" "test_leaves_out_higher_tiers" test --suite opa --tier 0 t
expect 0 "2 passed, 0 failed, 0 skipped" "test_of_one_suite" test --suite regorus-parser t
expect 0 "2 passed, 0 failed, 0 skipped" "test_of_one_file" test t/lexer.json
expect 1 '"id":"id-wrong","group":"opa/g","outcome":"failed"' "test_json" test --json t/deep
expect 2 "not a number" "test_of_an_odd_tier_is_a_usage_error" test --tier x t
expect 2 "missing argument" "test_of_nothing_is_a_usage_error" test
expect 3 "there is no such file" "test_of_a_missing_path_exits_3" test nowhere
echo '{' >t/broken.json
expect 3 "t/broken.json" "test_of_a_malformed_file_exits_3" test t

mkdir -p more/bench/in lib/aci lib/bench
cat >more/rvm.json <<'J'
{"suite": "regorus-rvm", "group": "v", "cases": [
 {"query": "data.a.p", "modules": ["package a\np := {1: 2}"], "want_result": {"object!": [{"key": 1, "value": 2}]}, "x_id": "v-object"},
 {"query": "data.a.q", "modules": ["package a\nq if input.x"], "input": {}, "want_result": "#undefined", "x_id": "v-undefined"},
 {"query": "data.a.p", "modules": ["package a\np := 1 / 0"], "want_error": "zero", "x_strict": true, "x_id": "v-error"},
 {"query": "data.a.p", "entry_points": ["data.a.p", "data.a.q"], "modules": ["package a\np := 1\nq := 2"], "want_results": [1, 3], "x_id": "v-entries"},
 {"query": "data.a.p", "modules": ["package a\np := 1"], "want_error": "any", "x_id": "v-noerror"}]}
J
cat >more/aci.json <<'J'
{"cases": [{"note": "m", "modules": ["one.rego", "two.rego"], "data": {"d": 2}, "input": {"i": 1}, "query": "data.one.sum", "want_result": [{"x": {"is": 3}}], "x_v0": true},
 {"note": "w", "modules": ["one.rego", "two.rego"], "data": {"d": 2}, "input": {"i": 2}, "query": "data.one.sum", "want_result": [{"x": {"is": 3}}], "x_v0": true}]}
J
printf 'package one\nsum = {"is": data.two.add(input.i)} { true }\n' >lib/aci/one.rego
printf 'package two\nadd(x) = x + data.d { true }\n' >lib/aci/two.rego
cat >more/bench/cases.json <<'J'
{"cases": [{"policy": "bench/b.rego", "input": "bench/in/1.json", "rule": "data.b.allow", "want": {"value": true}},
 {"policy": "bench/b.rego", "input": "bench/in/1.json", "rule": "data.b.allow", "want": {"value": false}},
 {"policy": "bench/b.rego", "input": "bench/in/1.json", "rule": "data.b.now", "want": {"value": 1, "x_time_dependent": true}}]}
J
echo '{"ok": true}' >more/bench/in/1.json
printf 'package b\nallow if input.ok\n' >lib/bench/b.rego
expect 1 "5 passed, 4 failed, 1 skipped" "test_judges_every_suite" test --policies lib more
grep -q '^failed v-entries: result is 2, wanted 3' out && grep -q '^failed v-noerror: no error' out && grep -q '^failed aci.json#1 w: data.one.sum is {"is": 4}' out
report $? "test_shows_what_differs"
grep -q '^failed bench/cases.json#1: data.b.allow is true, wanted false' out && grep -q '^skipped bench/cases.json#2: x_time_dependent' out
report $? "test_passes_over_what_depends_on_the_time"

mkdir gen
printf 'package agent_policy\ndefault R := false\nR := {"allowed": true, "ops": [{"op": "add", "path": "/pstate/n", "value": 1}]} if not data.pstate.n\nR if policy_data.open\n' >gen/rules.rego
echo '{"open": false}' >gen/policy_data.json
cat >gen/cases.json <<'J'
{"policy": ["rules.rego", "policy_data.json"], "stateful": true, "cases": [
 {"description": "first", "query": "data.agent_policy.R", "input": {}, "allowed": true, "x_setup": true},
 {"description": "second is judged by what the first left", "query": "data.agent_policy.R", "input": {}, "allowed": false, "x_state_after": {"n": 1}},
 {"description": "wrong", "query": "data.agent_policy.R", "input": {}, "allowed": true}]}
J
expect 1 "1 passed, 1 failed, 0 skipped" "test_keeps_state_from_case_to_case" test gen
grep -q '^failed cases.json#2: denied, wanted allowed' out
report $? "test_says_what_was_decided"

echo "1..$n"
exit $bad
