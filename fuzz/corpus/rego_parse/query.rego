x := data.a.b; x > 1
not y.z[x]