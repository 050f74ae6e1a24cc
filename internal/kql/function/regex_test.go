package function

import (
	"regexp"
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
			text, err := regexOf("^"+pattern+"$", wide)
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
