package sqlgen

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/plan"
)

// Kept is a materialize() whose rows an engine may keep: a table to be made once, before the statement that reads it.
// Its name is made of its text, so that queries that materialize the same thing share one table.
type Kept struct {
	Name string
	SQL  string // a SELECT; it may read Kept tables that stand before it
	Of   string // the let that it is the value of, for people
}

// GenerateKept is Generate for an engine that keeps what materialize() asks for. The tables come in the order in which
// they must be made.
func GenerateKept(p *plan.Plan) (sql string, tables []Kept, err error) {
	k := &keeper{refused: &Refusals{}, done: map[int]string{}, known: map[string]bool{}}
	sql, err = newGenerator(k, k.refused, &k.named).statement(p)
	return sql, k.tables, err
}

// keeper collects the tables that a query wants kept.
type keeper struct {
	refused *Refusals
	done    map[int]string // by the number of the shared plan
	known   map[string]bool
	tables  []Kept
	named   columnNames
	numbers numbering
	text    []byte // of the latest table
}

// keeps reports whether a shared plan is a table of its own.
func (g *generator) keeps(s *plan.Shared) bool { return g.keep != nil && s.Keep }

// table renders a kept plan apart from the query around it: all its columns, whoever reads which.
func (k *keeper) table(s *plan.Shared) string {
	if t, ok := k.done[s.ID]; ok {
		return t
	}
	g := newGenerator(k, k.refused, &k.named)
	var all columns
	for _, c := range s.Handed() {
		all.add(c)
	}
	g.flow(s.Plan, &all)
	g.count(s.Plan)
	body := g.node(s.Plan)
	parts := make([]string, len(s.Handed()))
	for i, c := range s.Handed() {
		parts[i] = fmt.Sprintf("%s AS k%d", g.name(c), i)
	}
	sql := g.with() + "SELECT " + strings.Join(parts, ", ") + " FROM (" + body + ")"
	k.numbers.restart() // now that the tables which this one reads have their texts
	k.text = g.whole(k.text[:0], sql, k.numbers.canonical)
	sum := sha256.Sum256(k.text)
	t := "kept_" + hex.EncodeToString(sum[:8])
	k.done[s.ID] = t
	if !k.known[t] {
		k.known[t] = true
		k.tables = append(k.tables, Kept{Name: t, SQL: string(k.text), Of: s.Name})
	}
	return t
}

// canonical appends SQL in which the names of columns and shared plans are numbered in the order in which they occur, so that
// the same KQL gives the same text wherever it stands in a query. What stands in quotes is not touched. A text may come in
// pieces that end between words.
func (n *numbering) canonical(out []byte, sql string) []byte {
	copied := 0 // up to where sql is in out
	for i := 0; i < len(sql); {
		start, c := i, sql[i]
		switch {
		case c == '\'' || c == '"':
			i = len(sql)
			if end := strings.IndexByte(sql[start+1:], c); end >= 0 {
				i = start + 1 + end + 1
			}
		case wordByte[c]:
			for i < len(sql) && wordByte[sql[i]] {
				i++
			}
			if c == 'c' || c == 's' {
				out = n.append(append(out, sql[copied:start]...), sql[start:i])
				copied = i
			}
		default:
			i++
		}
	}
	return append(out, sql[copied:]...)
}

// wordByte tells the bytes of which names and numbers are made.
var wordByte = func() (is [256]bool) {
	for c := range is {
		is[c] = c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
	}
	return is
}()

// numbering gives the names that the generator numbered (c12_Name, shared3) numbers in order of occurrence.
type numbering struct {
	columns, shared []int32 // by their number in the plan, 0 where there is none yet
	last            int32
}

func (n *numbering) restart() {
	clear(n.columns)
	clear(n.shared)
	n.last = 0
}

// append writes a word, renumbered if it is such a name.
func (n *numbering) append(out []byte, word string) []byte {
	numbers, prefix := &n.columns, "c"
	rest, ok := strings.CutPrefix(word, prefix)
	if !ok {
		numbers, prefix = &n.shared, "shared"
		if rest, ok = strings.CutPrefix(word, prefix); !ok {
			return append(out, word...)
		}
	}
	id, digits := 0, 0
	for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
		id = id*10 + int(rest[digits]-'0')
		digits++
	}
	named := strings.HasPrefix(rest[digits:], "_")
	if digits == 0 || numbers == &n.columns && !named || numbers == &n.shared && digits != len(rest) {
		return append(out, word...)
	}
	if id >= len(*numbers) {
		*numbers = append(*numbers, make([]int32, id+1-len(*numbers)+256)...)
	}
	if (*numbers)[id] == 0 {
		n.last++
		(*numbers)[id] = n.last
	}
	out = strconv.AppendInt(append(out, prefix...), int64((*numbers)[id]), 10)
	return append(out, rest[digits:]...)
}
