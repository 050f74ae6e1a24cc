package syntax

// Operator is one step of a Pipe.
type Operator interface {
	Node
	// Keyword is the operator's name as Kusto spells it, "" where it could not be read.
	Keyword() string
	stand(word string, at At)
}

// Head is embedded in every operator: its place and its name.
type Head struct {
	At
	Word string
}

// Keyword returns the operator's name.
func (h *Head) Keyword() string { return h.Word }

func (h *Head) stand(word string, at At) { h.Word, h.At = word, at }

// Where is `where Pred` or `filter Pred`. A predicate may be Named: Kusto ignores the name.
type Where struct {
	Head
	Pred Expr
}

// Extend is `extend a = x, ...`.
type Extend struct {
	Head
	Items []Expr
}

// Project is `project a, b = x, ...`.
type Project struct {
	Head
	Items []Expr
}

// ProjectAway is `project-away a, b*`; Keep is true for `project-keep`.
type ProjectAway struct {
	Head
	Keep  bool
	Items []Expr // *Name, *Wildcard or *Star
}

// ProjectRename is `project-rename new = old, ...`.
type ProjectRename struct {
	Head
	Items []Expr // *Named of *Name
}

// ProjectReorder is `project-reorder a, b* asc, *`.
type ProjectReorder struct {
	Head
	Items []ReorderItem
}

// ReorderItem is one pattern of a ProjectReorder; Order is "", asc, desc, granny-asc or granny-desc.
type ReorderItem struct {
	X     Expr // *Name, *Wildcard or *Star
	Order string
}

// Summarize is `summarize aggs by keys`.
type Summarize struct {
	Head
	Options []Option
	Aggs    []Expr
	By      []Expr
}

// Join is `join kind=... (right) on conditions`; Lookup is true for `lookup`.
type Join struct {
	Head
	Lookup  bool
	Options []Option
	Right   Expr
	On      []Expr // *Name, or *Binary == of $left.x and $right.y, or any condition
}

// Union is `union kind=... withsource=... isfuzzy=... T1, (T2 | ...), T*`.
type Union struct {
	Head
	Options []Option
	Tables  []Expr
}

// Distinct is `distinct a, b` or `distinct *`.
type Distinct struct {
	Head
	Items []Expr
}

// SortKey is one key of sort and top.
type SortKey struct {
	X     Expr
	Asc   bool
	Nulls string // "", first or last
}

// Sort is `sort by` or `order by`.
type Sort struct {
	Head
	Keys []SortKey
}

// Top is `top N by keys`.
type Top struct {
	Head
	N    Expr
	Keys []SortKey
}

// TopHitters is `top-hitters N of X by Sum`.
type TopHitters struct {
	Head
	N, X Expr
	By   Expr // nil to count
}

// TopNested is `top-nested N of X with others = o by Agg, top-nested ...`.
type TopNested struct {
	Head
	Levels []NestedLevel
}

// NestedLevel is one level of a TopNested.
type NestedLevel struct {
	At
	N      Expr // nil for all values
	X      Expr
	Others Expr // nil when absent
	By     Expr
	Asc    bool
}

// Take is `take N` or `limit N`; Sample is true for `sample N`.
type Take struct {
	Head
	Sample bool
	N      Expr
}

// SampleDistinct is `sample-distinct N of X`.
type SampleDistinct struct {
	Head
	N, X Expr
}

// Count is `count` or `count as Name`.
type Count struct {
	Head
	As *Name // nil when absent
}

// MvExpand is `mv-expand kind=... with_itemindex=i a, b = x to typeof(t) limit n`.
type MvExpand struct {
	Head
	Options []Option // kind or bagexpansion, with_itemindex
	Items   []MvItem
	Limit   Expr // nil when absent
	Legacy  bool // it is called mvexpand
}

// MvItem is one column that is expanded.
type MvItem struct {
	X  Expr // may be *Named
	To *TypeLit
}

// MvApply is `mv-apply items on ( body )`.
type MvApply struct {
	Head
	Options []Option
	Items   []MvItem
	Limit   Expr
	Body    *Pipe // Source is nil: the operators run on the expanded rows
}

// Partition is `partition by Key (body)`, whose body runs on the rows of each key, or `partition by Key {source}`.
type Partition struct {
	Head
	Options []Option
	Key     *Name
	Body    *Pipe // Source is nil: the operators run on the rows of one key
	Source  Expr  // a query of its own that knows the key; nil where there is a Body
}

// Reduce is `reduce kind=source by X with threshold=t, characters=c`.
type Reduce struct {
	Head
	Options []Option // kind, threshold, characters
	X       Expr
}

// Range is `range x from a to b step c`.
type Range struct {
	Head
	Name           *Name
	From, To, Step Expr
}

// Print is `print a = x, ...`.
type Print struct {
	Head
	Items []Expr
}

// As is `as Name`.
type As struct {
	Head
	Name *Name
}

// Serialize is `serialize a = x, ...`.
type Serialize struct {
	Head
	Items []Expr
}

// Render is `render kind with (...)`; it changes no rows.
type Render struct {
	Head
	Visualization string
	Options       []Option
}

// ParseOp is `parse kind=... x with "a" col:type * ...`; Where is true for `parse-where`.
type ParseOp struct {
	Head
	Where   bool
	Options []Option // kind, flags
	X       Expr
	Parts   []Expr // *Literal (text), *Star, *Name, *Typed
}

// ParseKV is `parse-kv x as (a:long, b:string) with (...)`.
type ParseKV struct {
	Head
	X       Expr
	Columns []Param
	Options []Option
}

// Evaluate is `evaluate plugin(args) : (schema)`.
type Evaluate struct {
	Head
	Options []Option
	Call    *Call
	Schema  *TypeLit // nil when absent
}

// Invoke is `invoke f(args)`.
type Invoke struct {
	Head
	Call *Call
}

// GetSchema is `getschema`.
type GetSchema struct{ Head }

// MakeSeries is `make-series aggs on axis from a to b step c by keys`.
type MakeSeries struct {
	Head
	Options        []Option
	Aggs           []MakeSeriesItem
	On             Expr
	From, To, Step Expr // From and To are nil when absent
	Inclusive      bool // the form `in range(from, to, step)`, whose end belongs to it
	By             []Expr
}

// MakeSeriesItem is one aggregate of a MakeSeries with its default.
type MakeSeriesItem struct {
	X       Expr
	Default Expr // nil when absent
}

// Search is `search [kind=...] [in (tables)] predicate`; it stands first or after a pipe.
type Search struct {
	Head
	Options []Option
	Tables  []Expr
	Pred    Expr
}

// Find is `find [withsource=c] [in (tables)] [where] predicate [project-smart | project columns]`.
type Find struct {
	Head
	Options []Option
	Tables  []Expr
	Pred    Expr
	Project bool    // the columns are listed
	Items   []Param // Type is "" where none is given
	Pack    bool    // pack_all() is among them
}

// ProjectByNames is `project-by-names "a", dynamic(["b"]), "c*"`.
type ProjectByNames struct {
	Head
	Items []Expr
}

// Consume is `consume`.
type Consume struct{ Head }

// AssertSchema is `assert-schema (a:long, b:string)`.
type AssertSchema struct {
	Head
	Columns []Param
}

// Scan is `scan with_match_id=m declare (a:long=0) with (step s1 output=all: Cond => a = x; ...)`.
type Scan struct {
	Head
	Options  []Option // with_match_id
	Declared []Param
	Steps    []ScanStep
}

// ScanStep is one step of a Scan.
type ScanStep struct {
	At
	Name   *Name
	Output string // all, last or none; "" when absent
	Cond   Expr
	Assign []Expr // *Named
}

// MakeGraph is `make-graph SourceID --> TargetID with Nodes on id partitioned-by By (Body)`.
type MakeGraph struct {
	Head
	SourceID, TargetID *Name
	Nodes              []GraphNodes
	Options            []Option // with_node_id
	By                 *Name    // nil when absent
	Body               *Pipe
}

// GraphNodes is a table of nodes with its column of identifiers.
type GraphNodes struct {
	Table Expr
	On    *Name
}

// GraphMatch is `graph-match cycles=none (a)-[e]->(b), ... where Where project Items`; Shortest is true for
// `graph-shortest-paths`.
type GraphMatch struct {
	Head
	Shortest bool
	Options  []Option         // cycles, output
	Paths    [][]GraphElement // nodes and edges by turns
	Where    Expr             // nil when absent
	Items    []Expr
}

// GraphElement is a node or an edge of a pattern. An edge that is neither Forward nor Backward has any direction; one
// with a Min is a sequence of edges.
type GraphElement struct {
	At
	Name              *Name // nil when it has none
	Forward, Backward bool
	Min, Max          Expr
}

// GraphToTable is `graph-to-table nodes as N with_node_id=c, edges as E ...`.
type GraphToTable struct {
	Head
	Tables []GraphTable
}

// GraphTable is one table of a GraphToTable.
type GraphTable struct {
	At
	Edges   bool
	Name    *Name
	Options []Option // with_node_id, with_source_id, with_target_id
}

// GraphMark is `graph-mark-components kind=weak with_component_id=c`.
type GraphMark struct {
	Head
	Options []Option
}

// Other is an operator that is known by name but not read: the binder refuses it as unsupported.
type Other struct {
	Head
	Reason string // why not, "" when there is nothing to add
}

// Bad stands for an operator that has a syntax error.
type Bad struct{ Head }
