package plan

import (
	"fmt"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// Explain writes the plan as text: one step a line, what a step reads below it and further in, subqueries first. The drawing
// that the query asks for stands before it; it changes no rows.
func (p *Plan) Explain() string {
	e := &explainer{seen: map[int]bool{}}
	if p.Visualization != "" {
		e.b.WriteString("render " + p.Visualization + "\n")
	}
	e.node(p.Root, 0)
	return e.b.String()
}

type explainer struct {
	b    strings.Builder
	seen map[int]bool // shared plans that stand in the text already
}

func (e *explainer) node(n Node, depth int) {
	fmt.Fprintf(&e.b, "%s%s\n", strings.Repeat("  ", depth), step(n))
	if r, ok := n.(*Ref); ok {
		if e.seen[r.Shared.ID] {
			return
		}
		e.seen[r.Shared.ID] = true
	}
	inner := func(x Expr) {
		switch x := x.(type) {
		case *InQuery:
			e.node(x.Plan, depth+1)
		case *Scalar:
			e.node(x.Ref, depth+1)
		}
	}
	EachExpr(n, func(x Expr) { Walk(x, inner) })
	EachInput(n, func(in Node) { e.node(in, depth+1) })
}

// step is one node in a line.
func step(n Node) string {
	switch n := n.(type) {
	case *Scan:
		if len(n.Stored) == 0 {
			return "table " + n.Table
		}
		stored := make([]string, len(n.Stored))
		for i, c := range n.Stored {
			stored[i] = c.Name
		}
		return "table " + n.Table + ", stored members " + strings.Join(stored, ", ")
	case *Values:
		return fmt.Sprintf("datatable of %d rows", len(n.Rows))
	case *Series:
		return fmt.Sprintf("range from %s to %s step %s", text(n.From), text(n.To), text(n.Step))
	case *Filter:
		return "where " + text(n.Pred)
	case *Compute:
		return "compute " + itemTexts(n.Items)
	case *Windowed:
		each := ""
		for i, c := range n.Per {
			each += []string{"within each ", ", "}[min(i, 1)] + text(&Col{c})
		}
		return strings.TrimSpace("compute in order "+each) + " " + itemTexts(n.Items)
	case *Aggregate:
		if len(n.Keys) == 0 {
			return "summarize " + itemTexts(n.Aggs)
		}
		return "summarize " + itemTexts(n.Aggs) + " by " + itemTexts(n.Keys)
	case *Distinct:
		return "distinct"
	case *Paths:
		return fmt.Sprintf("paths of %d to %d edges", n.Min, n.Max)
	case *Sort:
		keys := make([]string, len(n.Ordering()))
		for i, k := range n.Ordering() {
			keys[i] = text(k.X) + map[bool]string{true: " desc", false: " asc"}[k.Desc]
		}
		return "sort by " + strings.Join(keys, ", ")
	case *Limit:
		return "take " + text(n.N)
	case *Number:
		return "number the rows"
	case *Join:
		on := make([]string, len(n.On))
		for i, p := range n.On {
			on[i] = text(p.L) + " == " + text(p.R)
		}
		return fmt.Sprintf("join kind=%s on %s", n.Kind, strings.Join(on, ", "))
	case *Union:
		return "union"
	case *Expand:
		var items []string
		for _, it := range n.Items {
			items = append(items, text(it.X))
		}
		return "mv-expand " + strings.Join(items, ", ")
	case *Ref:
		return "read " + n.Shared.Name
	}
	return strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", n), "*plan."))
}

func itemTexts(items []Item) string {
	out := make([]string, len(items))
	for i, it := range items {
		out[i] = text(it.X)
		if it.Col.Name != "" && it.Col.Name != out[i] {
			out[i] = it.Col.Name + " = " + out[i]
		}
	}
	return strings.Join(out, ", ")
}

// text is an expression much as KQL writes it.
func text(x Expr) string {
	switch x := x.(type) {
	case *Col:
		if x.C.Name == "" {
			return fmt.Sprintf("#%d", x.C.ID)
		}
		return x.C.Name
	case *Const:
		value := string(schema.AppendJSON(nil, x.T, x.V))
		if x.T == schema.Datetime || x.T == schema.Timespan {
			return fmt.Sprintf("%s(%s)", x.T, strings.Trim(value, `"`))
		}
		return value
	case *Apply:
		args := texts(x.Args)
		if name := x.Func.Called(); len(args) == 2 && x.Func.IsOperator() {
			return "(" + args[0] + " " + name + " " + args[1] + ")"
		}
		return x.Func.Called() + "(" + strings.Join(args, ", ") + ")"
	case *Best:
		if x.Pick.By == nil {
			return "any " + text(x.X)
		}
		return map[bool]string{true: "least ", false: "greatest "}[x.Pick.Least] + text(x.Pick.By) + ": " + text(x.X)
	case *Path:
		var b strings.Builder
		b.WriteString(text(x.X))
		for _, s := range x.Steps {
			if s.Index != nil {
				b.WriteString("[" + text(s.Index) + "]")
			} else {
				b.WriteString("." + s.Key)
			}
		}
		return b.String()
	case *Convert:
		return "to" + x.T.String() + "(" + text(x.X) + ")"
	case *In:
		return membership(text(x.X), strings.Join(texts(x.List), ", "), x.Fold, x.Not)
	case *InQuery:
		return membership(text(x.X), "a table", x.Fold, x.Not)
	case *Scalar:
		return "toscalar(" + x.C.Name + ")"
	case *inArray:
		return text(x.X)
	}
	return "?"
}

func texts(xs []Expr) []string {
	out := make([]string, len(xs))
	for i, x := range xs {
		out[i] = text(x)
	}
	return out
}

func membership(x, list string, fold, not bool) string {
	return "(" + x + map[bool]string{true: " !in", false: " in"}[not] + map[bool]string{true: "~", false: ""}[fold] + " (" + list + "))"
}
