# METADATA
package a["b-c"].d
import rego.v1
import data.x.y as z
import input.w
default allow := {"k": [1, -2.5e3, null]}
default f(_) := false
allow if { some k, v in input.m; k == v } else := x if { x := [y | some y in z] }
s contains $"t {f(1)}\n" if every i, e in w { not e.q with input.p as {i} with data.r as f }
p[x].q[1] := {k: v | k = x; v = {y | y = x} | {1}} if x, 1 in data.n
f(a, [b, {"c": d}]) := a - b * (d % 2) & {1}
if.then := `raw
` if true
