package sqlgen

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"

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
	k := &keeper{desk: desk{careful: p.Careful}, done: map[int]string{}, known: map[string]bool{}}
	sql, err = newGenerator(k, &k.desk).statement(p)
	return sql, k.tables, err
}

// keeper collects the tables that a query wants kept.
type keeper struct {
	desk   desk
	done   map[int]string // by the number of the shared plan
	known  map[string]bool
	tables []Kept
}

// keeps reports whether a shared plan is a table of its own.
func (g *generator) keeps(s *plan.Shared) bool { return g.keep != nil && s.Keep }

// table renders a kept plan apart from the query around it, all its columns, whoever reads which, and returns its name. It is
// called before a statement that reads the table gives its own names: those within a table depend on the table alone, so that
// the same KQL gives the same text wherever it stands in a query.
func (k *keeper) table(s *plan.Shared) string {
	if t, ok := k.done[s.ID]; ok {
		return t
	}
	g := newGenerator(k, &k.desk)
	var all columns
	for _, c := range s.Handed {
		all.add(c)
	}
	g.flow(s.Plan, &all)
	g.begin()
	g.with()
	g.put("SELECT ")
	begin := len(g.out)
	for i, c := range s.Handed {
		g.next(begin)
		g.put(g.name(c), " AS k", strconv.Itoa(i))
	}
	g.put(" FROM (")
	g.node(s.Plan)
	g.put(")")
	g.done()
	sum := sha256.Sum256(g.out)
	t := "kept_" + hex.EncodeToString(sum[:8])
	k.done[s.ID] = t
	if !k.known[t] {
		k.known[t] = true
		k.tables = append(k.tables, Kept{Name: t, SQL: string(g.out), Of: s.Name})
	}
	return t
}
