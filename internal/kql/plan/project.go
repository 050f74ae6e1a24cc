package plan

import (
	"sort"
	"strconv"
	"strings"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

func itoa(i int) string { return strconv.Itoa(i) }

// pattern matches the columns that a name, a wildcard or `*` means.
func (b *binder) pattern(cols []*Column, x syntax.Expr) func(*Column) bool {
	switch x := x.(type) {
	case *syntax.Star:
		return func(*Column) bool { return true }
	case *syntax.Wildcard:
		return func(c *Column) bool { return match(x.Pattern, c.Name) }
	case *syntax.Name:
		if findColumn(cols, x.Name) == nil {
			var names []string
			for _, c := range cols {
				names = append(names, c.Name)
			}
			b.fail(diag.Semantic, x.Span(), suggest(x.Name, names), "unknown column %s", x.Name)
		}
		return func(c *Column) bool { return c.Name == x.Name }
	}
	b.fail(diag.Semantic, x.Span(), "", "the name of a column is expected here")
	return nil
}

func (b *binder) projectAway(n Node, op *syntax.ProjectAway) Node {
	var hits []func(*Column) bool
	for _, x := range op.Items {
		hits = append(hits, b.pattern(n.Columns(), x))
	}
	return b.keepColumns(n, func(c *Column) bool {
		for _, hit := range hits {
			if hit(c) {
				return op.Keep
			}
		}
		return !op.Keep
	})
}

func (b *binder) projectRename(n Node, op *syntax.ProjectRename) Node {
	out := &Compute{In: n, base: base{order: n.Ordering(), cols: append([]*Column(nil), n.Columns()...)}}
	for _, item := range op.Items {
		name, x := b.oneName(item)
		old, ok := x.(*syntax.Name)
		if !ok || name == "" {
			b.fail(diag.Semantic, item.Span(), "", "project-rename takes NewName = OldName")
		}
		hit := b.pattern(n.Columns(), old)
		for i, c := range out.cols {
			if hit(c) {
				col := b.column(name, c.Type)
				out.cols[i] = col
				out.Items = append(out.Items, Item{Col: col, X: &Col{c}})
			}
		}
	}
	seen := map[string]bool{}
	for _, c := range out.cols {
		if seen[c.Name] && !c.Hidden {
			b.fail(diag.Semantic, op.Span(), "", "a column with the name %s is already declared", c.Name)
		}
		seen[c.Name] = true
	}
	return out
}

func (b *binder) projectReorder(n Node, op *syntax.ProjectReorder) Node {
	out := &Compute{In: n, base: base{order: n.Ordering()}}
	placed := map[*Column]bool{}
	for _, item := range op.Items {
		hit := b.pattern(n.Columns(), item.X)
		var group []*Column
		for _, c := range n.Columns() {
			if !placed[c] && hit(c) {
				group = append(group, c)
				placed[c] = true
			}
		}
		switch item.Order {
		case "":
		case "asc":
			sort.SliceStable(group, func(i, j int) bool { return strings.Compare(group[i].Name, group[j].Name) < 0 })
		case "desc":
			sort.SliceStable(group, func(i, j int) bool { return strings.Compare(group[i].Name, group[j].Name) > 0 })
		default:
			b.fail(diag.Unsupported, item.X.Span(), "", "the order %s is not supported yet", item.Order)
		}
		out.cols = append(out.cols, group...)
	}
	for _, c := range n.Columns() {
		if !placed[c] {
			out.cols = append(out.cols, c)
		}
	}
	return out
}
