package function

import (
	"fmt"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// hashFuncs are the digests that DuckDB computes itself.
var hashFuncs = []Func{
	{Name: "hash_md5", Signatures: []string{"simple -> string"}, Build: buildHash("md5"), Doc: "hash-md5-function"},
	{Name: "hash_sha1", Signatures: []string{"simple -> string"}, Build: buildHash("sha1"), Doc: "hash-sha1-function"},
	{Name: "hash_sha256", Signatures: []string{"simple -> string"}, Build: buildHash("sha256"), Doc: "hash-sha256-function"},
}

func buildHash(fn string) func(Call) (string, error) {
	return func(c Call) (string, error) {
		return fn + "(" + c.Args[0].text() + ")", nil
	}
}

func goFormatDatetime(args []schema.Value) (schema.Value, error) {
	t := args[0].(schema.Ticks)
	at := t.Time()
	field := func(letter byte, n int) (string, bool) {
		switch letter {
		case 'y':
			if n <= 2 {
				return fmt.Sprintf("%0*d", n, at.Year()%100), true
			}
			return fmt.Sprintf("%0*d", n, at.Year()), true
		case 'M':
			return fmt.Sprintf("%0*d", n, int(at.Month())), true
		case 'd':
			return fmt.Sprintf("%0*d", n, at.Day()), true
		case 'H':
			return fmt.Sprintf("%0*d", n, at.Hour()), true
		case 'h':
			return fmt.Sprintf("%0*d", n, (at.Hour()+11)%12+1), true
		case 'm':
			return fmt.Sprintf("%0*d", n, at.Minute()), true
		case 's':
			return fmt.Sprintf("%0*d", n, at.Second()), true
		case 'f', 'F':
			return fraction(t%schema.Second, letter, n)
		case 't':
			return at.Format("PM"), n == 2
		}
		return "", false
	}
	return format(args[1].(string), dateRuns, field)
}

// What the pages name longest of each letter: of a longer run the rest begins anew, so that ddd is dd and d.
var (
	dateRuns = map[byte]int{'y': 4, 'M': 2, 'd': 2, 'H': 2, 'h': 2, 'm': 2, 's': 2, 'f': 7, 'F': 7, 't': 2}
	spanRuns = map[byte]int{'d': 8, 'H': 2, 'h': 2, 'm': 2, 's': 2, 'f': 7, 'F': 7}
)

func goFormatTimespan(args []schema.Value) (schema.Value, error) {
	t, sign := args[0].(schema.Ticks), ""
	if t < 0 {
		t, sign = -t, "-"
	}
	field := func(letter byte, n int) (string, bool) {
		switch letter {
		case 'd':
			return fmt.Sprintf("%0*d", n, t/schema.Day), true
		case 'H', 'h':
			return fmt.Sprintf("%0*d", n, t%schema.Day/schema.Hour), true
		case 'm':
			return fmt.Sprintf("%0*d", n, t%schema.Hour/schema.Minute), true
		case 's':
			return fmt.Sprintf("%0*d", n, t%schema.Minute/schema.Second), true
		case 'f', 'F':
			return fraction(t%schema.Second, letter, n)
		}
		return "", false
	}
	text, err := format(args[1].(string), spanRuns, field)
	if err != nil {
		return nil, err
	}
	return sign + text, nil
}

// fraction renders n digits of a second; F drops zeros at the end.
func fraction(t schema.Ticks, letter byte, n int) (string, bool) {
	text := fmt.Sprintf("%07d", t)[:n]
	if letter == 'F' {
		text = strings.TrimRight(text, "0")
	}
	return text, true
}

// format replaces runs of a letter by field; what is no letter must be one of the separators that Kusto allows.
// https://learn.microsoft.com/kusto/query/format-datetime-function
func format(pattern string, longest map[byte]int, field func(letter byte, n int) (string, bool)) (string, error) {
	var b strings.Builder
	for i := 0; i < len(pattern); {
		c := pattern[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') {
			if !strings.ContainsRune(" /-:,._[]", rune(c)) {
				return "", fmt.Errorf("the format %q holds %q, which Kusto does not allow", pattern, c)
			}
			b.WriteByte(c)
			i++
			continue
		}
		n := 1
		for n < longest[c] && i+n < len(pattern) && pattern[i+n] == c {
			n++
		}
		text, ok := field(c, n)
		if !ok {
			return "", fmt.Errorf("the format %q holds %q, which Kusto does not know", pattern, pattern[i:i+n])
		}
		b.WriteString(text)
		i += n
	}
	return b.String(), nil
}
