// Package plan owns the bound and typed plan of a query and the binder that makes it from syntax: names, scopes, types,
// overloads, lets and the time anchor are settled here, once. Columns have numbers, so that later stages never meet a
// name collision. It knows nothing of SQL's text.
package plan

import (
	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/function"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// Column is one column of one node. Its ID is unique in the whole plan; Name is Kusto's.
type Column struct {
	ID     int
	Name   string
	Type   schema.Type
	Hidden bool
	// Open stands for all columns of an unknown watchlist, or those that bag_unpack makes of no bags: they exist under any
	// name.
	Open bool
}

// Plan is a bound query.
type Plan struct {
	Root    Node
	Columns []*Column // what the query returns, hidden ones left out
	Notes   []string  // remarks for the reader
	Tables  []string  // the tables that the text names, each once; not those that a pattern stands for
	// Visualization is what `render` asked for, "" without one.
	Visualization string
	// Careful says that results may lie beyond the range of their type.
	Careful bool
}

// Node is one relational step.
type Node interface {
	// Columns are the node's output, in Kusto's order.
	Columns() []*Column
	// Ordering is the order in which the rows come, nil when it is undefined.
	Ordering() []Key
	// visited notes a visit and reports whether there was one before.
	visited() bool
}

// Key is one sort key.
type Key struct {
	X          Expr
	Desc       bool
	NullsFirst bool
	Origin     Origin
}

// Origin says where the order of a key comes from. Only what was sorted is serialized.
type Origin uint8

// The origins: a sort; the place in the query's text, of which each row has its own; the place in a list.
const (
	Sorted Origin = iota
	Written
	Element
)

// serialized reports whether the rows of a node are, so that window functions may look at their neighbours.
// https://learn.microsoft.com/kusto/query/window-functions#serialized-row-set
func serialized(n Node) bool {
	keys := n.Ordering()
	return len(keys) > 0 && keys[0].Origin == Sorted
}

type base struct {
	cols  []*Column
	order []Key
	known bool // to each
}

func (b *base) Columns() []*Column { return b.cols }
func (b *base) Ordering() []Key    { return b.order }

func (b *base) visited() (before bool) {
	before, b.known = b.known, true
	return before
}

// Scan reads a stored table. Source[i] is the stored column of Columns()[i]. Stored are columns that hold members of
// JSON columns, under their own names; the query cannot name them.
type Scan struct {
	base
	Table   string
	Source  []string
	Stored  []*Column
	members []schema.Members
}

// Values is a constant table. The column Ordinal numbers the rows from 0.
type Values struct {
	base
	Rows    [][]Expr
	Ordinal *Column
}

// Series makes one row per step: `range x from From to To step Step`.
type Series struct {
	base
	From, To, Step Expr
}

// Filter keeps the rows for which Pred is true.
type Filter struct {
	base
	In   Node
	Pred Expr
}

// Compute computes columns; the columns that are not computed pass through from In.
type Compute struct {
	base
	In    Node
	Items []Item
}

// Item is one computed column.
type Item struct {
	Col *Column
	X   Expr
}

// Aggregate groups by Keys and computes Aggs, whose expressions are *Apply of aggregate functions or *Best.
type Aggregate struct {
	base
	In   Node
	Keys []Item
	Aggs []Item
}

// Distinct drops equal rows.
type Distinct struct {
	base
	In Node
}

// Sort orders the rows.
type Sort struct {
	base
	In Node
}

// Limit keeps the first N rows of the input's order; with Per, the first N of each group.
type Limit struct {
	base
	In  Node
	N   Expr
	Per []*Column
}

// Number numbers the rows of In, so that steps after it can tell which row theirs came from.
type Number struct {
	base
	In  Node
	Col *Column
}

// JoinKind is the flavour of a join.
type JoinKind string

// The join kinds.
const (
	Inner      JoinKind = "inner"
	InnerUniq  JoinKind = "innerunique"
	LeftOuter  JoinKind = "leftouter"
	RightOuter JoinKind = "rightouter"
	FullOuter  JoinKind = "fullouter"
	LeftSemi   JoinKind = "leftsemi"
	LeftAnti   JoinKind = "leftanti"
	RightSemi  JoinKind = "rightsemi"
	RightAnti  JoinKind = "rightanti"
)

// Join joins L and R where all On pairs are equal. It hands on the columns of L, where its kind has them, and Copies.
type Join struct {
	base
	Kind   JoinKind
	L, R   Node
	On     []Pair
	Copies []Copy // of columns of L or R
	// Nulls makes null equal to null.
	Nulls bool
	// Per are the groups within which innerunique keeps one row per key.
	Per []*Column
}

// Copy is a column that holds what another one does, Of, under a number and perhaps a name of its own.
type Copy struct{ Col, Of *Column }

// copyOf returns what a column is the copy of, nil where it is none of the copies.
func copyOf(copies []Copy, c *Column) *Column {
	for _, one := range copies {
		if one.Col == c {
			return one.Of
		}
	}
	return nil
}

// Pair is one equality of a join: an expression over L and one over R.
type Pair struct{ L, R Expr }

// Union appends inputs. Maps[i][j] is the expression over Inputs[i] for output column j.
type Union struct {
	base
	Inputs []Node
	Maps   [][]Expr
}

// Expand multiplies rows by the elements of dynamic values: mv-expand. Items[k].Col receives the elements of the
// k-th list, Index the element's number.
type Expand struct {
	base
	In    Node
	Items []ExpandItem
	Index *Column // hidden unless with_itemindex named it
	Array bool    // kind=array: a bag becomes [key, value] pairs
	Limit Expr    // how many elements of a list are taken; nil for all
}

// ExpandItem is one expanded column.
type ExpandItem struct {
	Col *Column
	X   Expr // dynamic
}

// Windowed computes columns over the ordered input: row_number, prev and their kind; with Per, over each group of
// rows that are equal in these columns.
type Windowed struct {
	base
	In    Node
	Items []Item
	Per   []*Column
}

// Follow is `scan`: it walks the ordered rows and follows sequences of rows that match one step after the other. Its
// columns are those of In, the declared ones and, when it is wanted, MatchID; Ordinal numbers the rows.
type Follow struct {
	base
	In       Node
	Declared []Item // each column with its default; one that stands for a column of In has that
	Steps    []FollowStep
	MatchID  *Column
	Ordinal  *Column
	Per      []*Column
}

// Start is what a step remembers of a column before it has matched: the default of a declared one, else null.
func (n *Follow) Start(c *Column) Expr {
	for _, d := range n.Declared {
		if _, own := d.X.(*Col); d.Col == c && !own {
			return d.X
		}
	}
	return null(c.Type)
}

// FollowStep is one step of a Follow. State are the columns of the step's latest row that any step reads: a column of
// its own, and the column of In or the declared one that it remembers.
type FollowStep struct {
	Output Output
	Cond   Expr
	Assign []Item // to declared columns
	State  []Item
}

// Output says which rows of a step are returned.
type Output uint8

// The outputs of a step: all rows that match it, the last of each series, none.
const (
	OutputAll Output = iota
	OutputLast
	OutputNone
)

// Paths follows edges from node to node, each at most once unless Repeats says otherwise. A path has its Start and End,
// the numbers of its edges, the nodes between its ends, and what Items makes of its edges. With Reach only the pairs of
// Start and End are wanted, however long the path is.
type Paths struct {
	base
	Starts   Node
	From     *Column // of Starts
	Edges    Node    // its columns are from, to, the number of the edge, and more
	Min, Max int64
	Repeats  PathRepeats
	Reach    bool
	Start    *Column
	End      *Column
	Length   *Column
	Numbers  *Column // dynamic
	Inner    *Column // dynamic
	Items    []PathItem
}

// PathItem is a column that is made of an expression over the edges of a path.
type PathItem struct {
	Col   *Column
	X     Expr // dynamic
	Inner bool // it is about the nodes between the ends: not the last edge's
	Kind  PathKind
}

// PathKind says what becomes of the values of a PathItem.
type PathKind uint8

// All values as an array; whether all of them are true, or any.
const (
	PathMap PathKind = iota
	PathAll
	PathAny
)

// PathRepeats says what may come twice in a path.
type PathRepeats uint8

// Nodes but no edge; neither; both.
const (
	UniqueEdges PathRepeats = iota
	UniqueNodes
	AnyRepeats
)

// Ref reads a shared plan. Copies are those of Shared.Handed, one by one, and of more that the optimizer asks for. The Own
// reader has these columns themselves.
type Ref struct {
	base
	Shared *Shared
	Copies []Copy
	Own    bool
}

// Shared is a plan that several places read: a `let`, materialize() or toscalar().
type Shared struct {
	ID   int
	Name string
	Plan Node
	// Handed is what a Ref may read: the plan's columns, then those that only its order needs.
	Handed []*Column
	Named  bool // by `as`, whose name is also that of the rows' source
	// Keep is set by materialize(): an engine may keep the rows and serve them to other queries too.
	Keep bool
	read bool // somebody has its own columns
}

// materialized is the name of what materialize() shares while no let has given it one.
const materialized = "materialized"

// Expr is a typed scalar expression.
type Expr interface{ Type() schema.Type }

// Col reads a column.
type Col struct{ C *Column }

// Const is a constant. V is nil for a typed null.
type Const struct {
	T schema.Type
	V schema.Value
}

// Apply calls a function, an operator or an aggregate.
type Apply struct {
	At       diag.Span // where it stands in the query
	Func     *function.Func
	Overload int
	Args     []Expr
	T        schema.Type
}

// Best is one column of arg_max, arg_min or take_any: the value of X, one of the Values of the Pick, in the row that
// the call picks.
type Best struct {
	X    Expr
	Pick *Pick
}

// Pick is one call of arg_max, arg_min or take_any: the row where By is greatest (or least), any row where By is nil.
// All its columns come from one row.
type Pick struct {
	By     Expr
	Least  bool
	Values []Expr // the columns, which settle ties too
}

// Path reads inside a dynamic value.
type Path struct {
	X     Expr
	Steps []Step
}

// Step is one step of a Path: a property, or an index when Index is not nil (an integer or a string expression).
type Step struct {
	Key   string
	Index Expr
}

// Convert brings X to another type as the to*() functions do.
type Convert struct {
	X Expr
	T schema.Type
	// Whole marks a dynamic value that is read as an integer because one stands beside it, not because the query says so.
	// "You must cast the value to a simple type", says the page of dynamic, and not what a number with a fraction is
	// without a cast: it is refused. https://learn.microsoft.com/kusto/query/scalar-data-types/dynamic#casting-dynamic-objects
	Whole bool
	// Beside is the integer that it is compared with, if it is but one: only a number whose whole part this is is refused,
	// as all others are less or greater with their fraction as without. It is of type long.
	Beside Expr
}

// In is membership in a list of expressions. Fold compares without case; Not negates.
type In struct {
	X         Expr
	List      []Expr
	Fold, Not bool
}

// InQuery is membership in the column C of a plan.
type InQuery struct {
	X         Expr
	Plan      Node
	C         *Column
	Fold, Not bool
}

// Scalar is the first cell of a shared plan: toscalar().
type Scalar struct {
	Ref *Ref
	C   *Column
}

// Type returns the column's type.
func (e *Col) Type() schema.Type { return e.C.Type }

// Type returns the constant's type.
func (e *Const) Type() schema.Type { return e.T }

// Type returns the result's type.
func (e *Apply) Type() schema.Type { return e.T }

// Type returns the type of X.
func (e *Best) Type() schema.Type { return e.X.Type() }

// Type returns dynamic.
func (e *Path) Type() schema.Type { return schema.Dynamic }

// Type returns the target type.
func (e *Convert) Type() schema.Type { return e.T }

// Type returns bool.
func (e *In) Type() schema.Type { return schema.Bool }

// Type returns bool.
func (e *InQuery) Type() schema.Type { return schema.Bool }

// Type returns the cell's type.
func (e *Scalar) Type() schema.Type { return e.C.Type }

// Catalog is what a query may read.
type Catalog interface {
	// Table finds a stored table by its exact name.
	Table(name string) (*schema.Table, bool)
	// TableNames lists the tables, for wildcards and suggestions.
	TableNames() []string
	// Watchlist finds the stored table of a watchlist; false when there is none of that alias.
	Watchlist(alias string) (*schema.Table, bool)
}
