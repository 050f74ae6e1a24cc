package function

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// A pattern in Kusto's syntax becomes one in RE2's, which is Go's and DuckDB's. Most of the two is the same; what is not,
// is written otherwise or refused, for RE2 would take much of it for something else.
// https://learn.microsoft.com/kusto/query/regex

// perlClasses are the members of the classes \d, \s and \w as they stand within brackets.
type perlClasses map[byte]string

// wide has them as Kusto takes them from Unicode. The ranges at the end of \w are the letters among the symbols
// (Other_Alphabetic).
var wide = perlClasses{
	'd': `\p{Nd}`,
	's': `\t-\r\x{85}\p{Z}`,
	'w': `\p{L}\p{Nl}\p{M}\p{Nd}\p{Pc}\x{200C}\x{200D}\x{24B6}-\x{24E9}\x{1F130}-\x{1F149}\x{1F150}-\x{1F169}\x{1F170}-\x{1F189}`,
}

// narrow has those of them that are ASCII: in a text of ASCII alone they match what the wide ones match, where they are
// repeated at a fraction of the cost.
var narrow = perlClasses{'d': `0-9`, 's': `\t-\r `, 'w': `0-9A-Za-z_`}

// class renders \d, \s, \w and, where the letter is a capital, what is not in them.
func (c perlClasses) class(letter byte, bracketed bool) (string, bool) {
	lower := letter | 0x20
	members, ok := c[lower]
	switch {
	case !ok:
		return "", false
	case !bracketed && letter == lower:
		return "[" + members + "]", true
	case !bracketed:
		return "[^" + members + "]", true
	case letter == lower:
		return members, true
	}
	class, err := syntax.Parse("[^"+members+"]", syntax.Perl) // the class of the others has no name
	if err != nil {
		return "", false
	}
	var b strings.Builder
	for i := 0; i < len(class.Rune); i += 2 {
		fmt.Fprintf(&b, `\x{%X}-\x{%X}`, class.Rune[i], class.Rune[i+1])
	}
	return b.String(), true
}

// foreign is what RE2 takes for something else than Kusto does, or refuses though Kusto takes it.
var foreign = []struct {
	begin     string
	bracketed bool
	what      string
}{
	{"&&", true, "an intersection of classes"},
	{"--", true, "a difference of classes"},
	{"~~", true, "a difference of classes"},
	{"[", true, "a class within a class"},
	{`\<`, false, "a boundary of words on one side"},
	{`\>`, false, "a boundary of words on one side"},
	{`\b{`, false, "a boundary of words on one side"},
}

// Foreign is what a pattern has that is not supported.
type Foreign string

// Error says that it is not supported.
func (f Foreign) Error() string { return string(f) + " is not supported" }

// foreignScalar stands for a pattern that is not supported: it refuses the first text that is to be matched.
var foreignScalar = Scalar{
	Name: "kql_foreign_pattern", Args: []schema.Type{schema.String}, Result: schema.String, Volatile: true,
	Fn: func(a []schema.Value) (schema.Value, error) { return nil, Refused(a[0].(string)) },
}

// namedGroup finds a group with a name as Kusto also writes it, and a code point by its number.
var (
	namedGroup = regexp.MustCompile(`^\(\?<[^=!]`)
	codePoint  = regexp.MustCompile(`^\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|[uU]\{([0-9a-fA-F]+)\})`)
	strange    = regexp.MustCompile(`^\(\?[a-zA-Z]*-?[a-zA-Z]*[Rux][a-zA-Z-]*[:)]`)
)

// patternScalar is regexOf as SQL calls it, for a pattern that the rows hold.
var patternScalar = Scalar{
	Name: "kql_pattern", Args: []schema.Type{schema.String}, Result: schema.String,
	Fn: func(a []schema.Value) (schema.Value, error) {
		text, size, err := regexOf(a[0].(string), wide)
		var foreign Foreign
		switch {
		case errors.As(err, &foreign):
			return nil, Refused(string(foreign))
		case err == nil && size > mostRanges:
			return nil, Refused(string(repeated))
		}
		return text, err
	},
}

// repeated is what RE2 has no memory for.
const repeated = Foreign("a class of letters repeated so often, in a text that is not ASCII,")

const (
	// cheapRanges is up to where matching the classes of Unicode costs what matching those of ASCII does.
	cheapRanges = 4_000
	// mostRanges is what RE2 compiles within its memory, with room to spare.
	mostRanges = 150_000
)

// matching renders a call that matches a text against a pattern. A constant pattern is checked here, with its position
// known. One that repeats large classes is made for texts of ASCII and for others; this alone names the text several times.
func matching(text string, pattern Arg, call func(pattern string) string) (string, error) {
	constant, ok := pattern.Text()
	if !ok {
		return call("kql_pattern(" + pattern.SQL + ")"), nil
	}
	every, size, err := regexOf(constant, wide)
	var foreign Foreign
	switch {
	case errors.As(err, &foreign):
		return call("kql_foreign_pattern(" + Quote(string(foreign)) + ")"), nil
	case err != nil:
		return "", err
	}
	if size <= cheapRanges {
		return call(Quote(every)), nil
	}
	ascii, _, err := regexOf(constant, narrow)
	if err != nil {
		return "", err
	}
	other := Quote(every)
	if size > mostRanges {
		other = "kql_foreign_pattern(" + Quote(string(repeated)) + ")"
	}
	return fmt.Sprintf("CASE WHEN strlen(%s) = length(%s) THEN %s ELSE %s END", text, text, call(Quote(ascii)), call(other)), nil
}

// ranges is how many ranges of characters the program of a pattern holds: a class counts as often as it may repeat. The program
// has x{2,4} as four x, and x{2,} as two.
func ranges(x *syntax.Regexp) (n int) {
	switch x.Op {
	case syntax.OpCharClass:
		return len(x.Rune) / 2
	case syntax.OpAnyCharNotNL:
		return 2
	case syntax.OpAnyChar:
		return 1
	}
	for _, part := range x.Sub {
		n += ranges(part)
	}
	if x.Op == syntax.OpRepeat {
		if x.Max < 0 {
			return n * max(x.Min, 1)
		}
		return n * x.Max
	}
	return n
}

// regexOf renders a pattern of Kusto for RE2, and tells its ranges.
func regexOf(pattern string, c perlClasses) (text string, size int, err error) {
	var b strings.Builder
	for at, bracketed := 0, false; at < len(pattern); {
		rest := pattern[at:]
		if bracketed && strings.HasPrefix(rest, "[:") { // a class of ASCII by its name
			if end := strings.Index(rest, ":]"); end > 0 {
				b.WriteString(rest[:end+2])
				at += end + 2
				continue
			}
		}
		for _, f := range foreign {
			if f.bracketed == bracketed && strings.HasPrefix(rest, f.begin) {
				return "", 0, Foreign(fmt.Sprintf("%s (%s) in a regular expression", f.what, f.begin))
			}
		}
		var code []string
		if rest[0] == '\\' {
			code = codePoint.FindStringSubmatch(rest)
		}
		switch {
		case code != nil:
			b.WriteString(`\x{` + code[1] + code[2] + code[3] + "}")
			at += len(code[0])
		case len(rest) > 1 && rest[0] == '\\':
			class, ok := c.class(rest[1], bracketed)
			if !ok {
				class = rest[:2]
			}
			b.WriteString(class)
			at += 2
		case bracketed:
			bracketed = rest[0] != ']'
			b.WriteByte(rest[0])
			at++
		case rest[0] == '[':
			begin := classBegin(rest)
			bracketed = true
			b.WriteString(begin)
			at += len(begin)
		case rest[0] == '(' && namedGroup.MatchString(rest):
			b.WriteString("(?P<")
			at += len("(?<")
		case rest[0] == '(' && strange.MatchString(rest):
			return "", 0, Foreign("a flag R, u or x of a regular expression")
		default:
			b.WriteByte(rest[0])
			at++
		}
	}
	out := b.String()
	tree, err := syntax.Parse(out, syntax.Perl)
	if err != nil {
		return "", 0, &Invalid{fmt.Errorf("%q is not a regular expression that Kusto accepts: %w", pattern, err)}
	}
	return out, ranges(tree), nil
}

// classBegin is the beginning of a class up to its first member, for a bracket that comes first is one.
func classBegin(s string) string {
	n := 1
	if strings.HasPrefix(s[n:], "^") {
		n++
	}
	if strings.HasPrefix(s[n:], "]") {
		n++
	}
	return s[:n]
}
