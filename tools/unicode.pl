#!/usr/bin/perl
# Writes src/fmt/unicode_tab.c from the Unicode tables that come with perl. Run it from the top of the tree; what it
# wrote last is in the tree, and nothing but a new Unicode version is a reason to run it again.
use strict;
use warnings;
use Unicode::UCD qw(prop_invmap);

my @gc = qw(Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Cs Co Cn);    # order of enum in unicode.c
my %gc; @gc{@gc} = 0 .. $#gc;
my $PAIRS = 30;    # a run of Lu, Ll, Lu, Ll, ...
my @scripts = qw(Latin Greek Cyrillic Armenian Hebrew Arabic Devanagari Bengali Tamil Thai Georgian Hangul Hiragana Katakana Bopomofo Han);

sub table {
	my ($head, @v) = @_;
	my $line = "";
	print "$head\n";
	for (@v) {
		if (length("$line$_, ") > 118) { print "\t", $line =~ s/ $//r, "\n"; $line = ""; }
		$line .= "$_, ";
	}
	print "\t", $line =~ s/ $//r, "\n};\n";
}

# One entry where the category changes; pairs of upper and lower case letters that alternate are one entry.
sub categories {
	my ($at, $cat) = prop_invmap("General_Category");
	my (@out, $i);
	for ($i = 0; $i < $#$at;) {
		my $j = $i;
		$j += 2 while $j + 2 < $#$at && $cat->[$j] eq "Lu" && $cat->[$j + 1] eq "Ll" && $at->[$j + 2] == $at->[$j] + 2
		    && $at->[$j + 1] == $at->[$j] + 1;
		if ($j - $i >= 4) {
			push @out, sprintf("0x%X", $at->[$i] << 5 | $PAIRS);
			$i = $j;
		} else {
			push @out, sprintf("0x%X", $at->[$i] << 5 | $gc{$cat->[$i]});
			$i++;
		}
	}
	return @out;
}

# Runs { first, last, step, difference } of a simple mapping.
sub runs {
	my ($at, $to, undef, undef) = prop_invmap($_[0]);
	my (@one, @out);
	for my $i (0 .. $#$at) {
		next if ref $to->[$i] || $to->[$i] == 0;
		push @one, [$_, $to->[$i] - $at->[$i]] for $at->[$i] .. $at->[$i + 1] - 1;
	}
	for my $c (@one) {
		my $r = $out[-1];
		my $step = $r ? $c->[0] - $r->[1] : 0;
		if ($r && $r->[3] == $c->[1] && ($step == 1 || $step == 2) && ($r->[2] == 0 || $r->[2] == $step)) {
			@$r[1, 2] = ($c->[0], $step);
		} else {
			push @out, [$c->[0], $c->[0], 0, $c->[1]];
		}
	}
	return map { sprintf("{ 0x%X, 0x%X, %d, %d }", $_->[0], $_->[1], $_->[2] || 1, $_->[3]) } @out;
}

# Case orbits that going up and down with the simple mappings does not give: c -> the next one of its orbit.
sub orbits {
	my (%up, %low, %class, @out);
	for (["Simple_Uppercase_Mapping", \%up], ["Simple_Lowercase_Mapping", \%low]) {
		my ($at, $to) = prop_invmap($_->[0]);
		for my $i (0 .. $#$at) {
			next if ref $to->[$i] || $to->[$i] == 0;
			my $m = $_->[1];
			$m->{$_} = $to->[$i] + $_ - $at->[$i] for $at->[$i] .. $at->[$i + 1] - 1;
		}
	}
	my ($at, $to) = prop_invmap("Simple_Case_Folding");
	for my $i (0 .. $#$at) {
		next if ref $to->[$i] || $to->[$i] == 0;
		push @{ $class{ $to->[$i] + $_ - $at->[$i] } }, $_ for $at->[$i] .. $at->[$i + 1] - 1;
	}
	for my $f (sort { $a <=> $b } keys %class) {
		my @o = sort { $a <=> $b } $f, @{ $class{$f} };
		my $simple = @o == 2 && ($low{ $o[0] } // 0) == $o[1] && ($up{ $o[1] } // 0) == $o[0];
		$simple ||= @o == 2 && ($up{ $o[0] } // 0) == $o[1] && ($low{ $o[1] } // 0) == $o[0];
		next if $simple;
		push @out, [$o[$_], $o[($_ + 1) % @o]] for 0 .. $#o;
	}
	# letters that map but do not fold with what they map to stand alone
	my %in = map { my $k = $_; ($k => 1, map { ($_ => 1) } @{ $class{$k} }) } keys %class;
	for (keys %up, keys %low) { push @out, [$_, $_] unless $in{$_}; $in{$_} = 1; }
	return map { sprintf("{ 0x%X, 0x%X }", @$_) } sort { $a->[0] <=> $b->[0] } @out;
}

sub scripts {
	my ($at, $name) = prop_invmap("Script");
	my (%n, @out); @n{@scripts} = 0 .. $#scripts;
	for my $i (0 .. $#$at - 1) {
		push @out, sprintf("{ 0x%X, 0x%X, %d }", $at->[$i], $at->[$i + 1] - 1, $n{ $name->[$i] }) if exists $n{ $name->[$i] };
	}
	return @out;
}

open(STDOUT, ">", "src/fmt/unicode_tab.c") or die;
print "/* Made by tools/unicode.pl from Unicode ", Unicode::UCD::UnicodeVersion(), ". */\n#include \"fmt/unicode_tab.h\"\n\n";
table("const uint32_t uc_category[] = {", my @c = categories());
table("\nconst struct uc_run uc_up[] = {", my @u = runs("Simple_Uppercase_Mapping"));
table("\nconst struct uc_run uc_low[] = {", my @l = runs("Simple_Lowercase_Mapping"));
table("\nconst struct uc_orbit uc_orbits[] = {", my @o = orbits());
table("\nconst char *const uc_script_name[] = {", map { "\"$_\"" } @scripts);
table("\nconst struct uc_script uc_scripts[] = {", my @s = scripts());
print "\nconst size_t uc_category_n = ", scalar @c, ", uc_up_n = ", scalar @u, ", uc_low_n = ", scalar @l, ";\n";
print "const size_t uc_orbits_n = ", scalar @o, ", uc_script_name_n = ", scalar @scripts, ", uc_scripts_n = ", scalar @s, ";\n";
