package function

import (
	"regexp"
	"regexp/syntax"
	"testing"
	"unicode"
)

// TestPerlClasses compares the classes with the properties of Unicode by which the page defines them.
// https://learn.microsoft.com/kusto/query/regex#perl-character-classes-unicode-friendly
func TestPerlClasses(t *testing.T) {
	for letter, tables := range map[string][]*unicode.RangeTable{
		"d": {unicode.Nd},
		"s": {unicode.White_Space},
		"w": {unicode.L, unicode.Nl, unicode.Other_Alphabetic, unicode.M, unicode.Nd, unicode.Pc, unicode.Join_Control},
	} {
		capital := string(unicode.ToUpper(rune(letter[0])))
		patterns := map[string]bool{`\` + letter: true, `[\` + letter + `]`: true, `\` + capital: false, `[\` + capital + `]`: false, `[^\` + capital + `]`: true}
		for pattern, in := range patterns {
			text, _, err := regexOf("^"+pattern+"$", wide)
			if err != nil {
				t.Fatal(err)
			}
			re := regexp.MustCompile("(?s)" + text)
			for r := rune(0); r <= unicode.MaxRune; r++ {
				if r >= 0xD800 && r <= 0xDFFF { // no text holds a half of a pair
					continue
				}
				if want := unicode.IsOneOf(tables, r) == in; re.MatchString(string(r)) != want {
					t.Errorf("%q matches %s: %v, want %v", r, pattern, !want, want)
					break
				}
			}
		}
	}
}

// TestRanges compares the ranges that are counted on the tree of a pattern with the program that is made of it.
func TestRanges(t *testing.T) {
	for _, pattern := range []string{
		`abc`, `(?i)abc`, `.`, `(?s).`, `a.*b`, `[a-c]`, `[a-cx]`, `[^a]+`, `\pL`, `\pL?`, `\pL*`, `\pL+`, `\pL{0}`, `\pL{1}`, `\pL{0,1}`, `\pL{0,}`,
		`\pL{1,}`, `\pL{3}`, `\pL{3,}`, `\pL{2,5}`, `(?:\pL{2,3}\pN){4}`, `(\pL+|[0-9]{2}){3,}`, `(?:\pL*){5}`, `(?:\pL?|\pN){2,}`, `(?:^|\b){7}\pL`, `(?:)`, `(?:\pL{2}){0}`,
	} {
		tree, err := syntax.Parse(pattern, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		program, err := syntax.Compile(tree.Simplify())
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		for _, i := range program.Inst {
			want += len(i.Rune) / 2
		}
		if got := ranges(tree); got != want {
			t.Errorf("%s has %d ranges, its program %d", pattern, got, want)
		}
	}
}
