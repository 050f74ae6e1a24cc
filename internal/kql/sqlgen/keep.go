package sqlgen

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/plan"
)

// Kept is a materialize() whose rows an engine may keep: a table to be made once, before the statement that reads it.
// Its name is made of its text, so that queries that materialize the same thing share one table.
type Kept struct {
	Name string
	SQL  string // a SELECT; it may read Kept tables that stand before it
}

// GenerateKept is Generate for an engine that keeps what materialize() asks for. The tables come in the order in which
// they must be made.
func GenerateKept(p *plan.Plan) (sql string, tables []Kept, err error) {
	k := &keeper{refused: &Refusals{}, done: map[int]string{}, known: map[string]bool{}}
	sql, err = newGenerator(k, k.refused).statement(p)
	return sql, k.tables, err
}

// keeper collects the tables that a query wants kept.
type keeper struct {
	refused *Refusals
	done    map[int]string // by the number of the shared plan
	known   map[string]bool
	tables  []Kept
}

// keeps reports whether a shared plan is a table of its own.
func (g *generator) keeps(s *plan.Shared) bool { return g.keep != nil && s.Keep }

// table renders a kept plan apart from the query around it: all its columns, whoever reads which.
func (k *keeper) table(s *plan.Shared) string {
	if t, ok := k.done[s.ID]; ok {
		return t
	}
	g := newGenerator(k, k.refused)
	var all columns
	for _, c := range s.Handed() {
		all.add(c)
	}
	g.flow(s.Plan, all)
	g.count(s.Plan)
	body := g.node(s.Plan)
	parts := make([]string, len(s.Handed()))
	for i, c := range s.Handed() {
		parts[i] = fmt.Sprintf("%s AS k%d", name(c), i)
	}
	text := canonical(g.with() + "SELECT " + strings.Join(parts, ", ") + " FROM (" + body + ")")
	sum := sha256.Sum256([]byte(text))
	t := "kept_" + hex.EncodeToString(sum[:8])
	k.done[s.ID] = t
	if !k.known[t] {
		k.known[t] = true
		k.tables = append(k.tables, Kept{Name: t, SQL: text})
	}
	return t
}

// canonical numbers the names of columns and shared plans in the order in which they occur, so that the same KQL gives
// the same text wherever it stands in a query. What stands in quotes is not touched.
func canonical(sql string) string {
	var b strings.Builder
	numbers := map[string]int{}
	for i := 0; i < len(sql); {
		c := sql[i]
		switch {
		case c == '\'' || c == '"':
			end := i + 1 + strings.IndexByte(sql[i+1:], c)
			if end <= i {
				end = len(sql) - 1
			}
			b.WriteString(sql[i : end+1])
			i = end + 1
		case wordByte(c):
			end := i
			for end < len(sql) && wordByte(sql[end]) {
				end++
			}
			b.WriteString(renumbered(sql[i:end], numbers))
			i = end
		default:
			b.WriteByte(c)
			i++
		}
	}
	return b.String()
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// renumbered gives a name that the generator numbered (c12_Name, shared3) its number in order of occurrence.
func renumbered(word string, numbers map[string]int) string {
	rest, prefix := strings.TrimPrefix(word, "shared"), "shared"
	if rest == word {
		if rest, prefix = strings.TrimPrefix(word, "c"), "c"; rest == word {
			return word
		}
	}
	digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	if digits == 0 || prefix == "c" && !strings.HasPrefix(rest[digits:], "_") || prefix == "shared" && digits != len(rest) {
		return word
	}
	key := prefix + rest[:digits]
	n, ok := numbers[key]
	if !ok {
		n = len(numbers)
		numbers[key] = n
	}
	return fmt.Sprintf("%s%d%s", prefix, n, rest[digits:])
}
