package t
a := [x | [y | [z | b, 1], 1], 1]