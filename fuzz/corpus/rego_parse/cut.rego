package t
a := $`{$"{b}"}`
x if "\u00