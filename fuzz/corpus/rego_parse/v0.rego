package a
import future.keywords.every
p[x] { q[x][_] } { r = x; not s }
p[x] = y { y := {x: 1 | 2, 3: 4} }
f(x) = 1 { x } else = 2 { every y in x { y } }
t["k"]
