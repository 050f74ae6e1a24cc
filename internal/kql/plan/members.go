package plan

import (
	"slices"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// member is what an expression asks of a JSON document.
type member struct {
	col *Column // the document, or the member itself where a step below has taken it out
	raw bool    // the document is text that the expression parses
	key string  // the name of the member; "" where a step below names it
}

// memberOf returns what x reads of a document; false when it is no member of a column.
func memberOf(x Expr) (m member, ok bool) {
	if p, is := x.(*Path); is {
		if len(p.Steps) != 1 || p.Steps[0].Index != nil {
			return m, false
		}
		m.key, x = p.Steps[0].Key, p.X
	}
	if a, is := x.(*Apply); is && a.Func.Name == "parse_json" {
		m.raw, x = true, a.Args[0]
	}
	c, ok := x.(*Col)
	if ok {
		m.col = c.C
	}
	return m, ok
}

// below is the question as it stands under a step that computes m.col as x.
func (m member) below(x Expr) (under member, ok bool) {
	if under, ok = memberOf(x); !ok {
		return m, false
	}
	switch {
	case m.key == "": // x may be the member
	case under.key != "": // a member of a member
		return m, false
	default:
		under.key = m.key
	}
	if m.raw { // the column is the text to parse: it must come as it is
		_, same := x.(*Col)
		return member{under.col, true, m.key}, same
	}
	return under, true
}

// useMembers replaces the conversions of members that a table stores as columns of their own: what tostring() makes of
// a member is read instead of found in the document. Whatever the document is, the answer is the same one.
func (b *binder) useMembers(n Node) {
	replace := func(in ...Node) func(Expr) Expr {
		return func(x Expr) Expr { return b.storedMember(in, x) }
	}
	items := func(items []Item, f func(Expr) Expr) {
		for i := range items {
			items[i].X = transform(items[i].X, f)
		}
	}
	switch n := n.(type) {
	case *Filter:
		n.Pred = transform(n.Pred, replace(n.In))
	case *Compute:
		items(n.Items, replace(n.In))
	case *Windowed:
		items(n.Items, replace(n.In))
	case *Aggregate:
		items(n.Keys, replace(n.In))
		items(n.Aggs, replace(n.In))
	case *Expand:
		for i := range n.Items {
			n.Items[i].X = transform(n.Items[i].X, replace(n.In))
		}
	case *Join:
		for i := range n.On {
			n.On[i] = Pair{L: transform(n.On[i].L, replace(n.L)), R: transform(n.On[i].R, replace(n.R))}
		}
	}
}

// storedMember is the value of x by a stored column, nil when there is none for it.
func (b *binder) storedMember(in []Node, x Expr) Expr {
	c, ok := x.(*Convert)
	if !ok {
		return nil
	}
	m, ok := memberOf(c.X)
	if !ok || m.raw && m.key == "" || c.X.Type() != schema.Dynamic {
		return nil
	}
	switch c.T {
	case schema.String, schema.Bool, schema.Int, schema.Long:
	default:
		return nil
	}
	for _, n := range in {
		col := b.bring(n, m)
		if col == nil {
			continue
		}
		text := &Col{col}
		if c.T == schema.String {
			return text
		}
		// Digits are that number, and true is true. Anything else, such as 1.5, depends on what the member was.
		other := b.iff(b.invent("==", text, null(schema.String)), null(c.T), x)
		return b.invent("coalesce", &Convert{X: text, T: c.T}, other)
	}
	return nil
}

// bring finds the stored column of a member in what n reads, and makes it one that is at hand above n. It returns nil
// when there is none, or a step lies between that does not hand on single rows of the table.
func (b *binder) bring(n Node, m member) *Column {
	at := asked{n, m}
	c, known := b.brought[at]
	if !known {
		c = b.bringAnew(n, m)
		b.brought[at] = c
	}
	return c
}

// asked is a member asked of a node.
type asked struct {
	Node
	member
}

func (b *binder) bringAnew(n Node, m member) *Column {
	switch n := n.(type) {
	case *Scan:
		return b.scanMember(n, m)
	case *Filter:
		return b.bring(n.In, m)
	case *Sort:
		return b.bring(n.In, m)
	case *Limit:
		return b.bring(n.In, m)
	case *Number:
		return b.bring(n.In, m)
	case *Windowed:
		if itemOf(n.Items, m.col) == nil {
			return b.bring(n.In, m)
		}
	case *Expand:
		if !slices.ContainsFunc(n.Items, func(it ExpandItem) bool { return it.Col == m.col }) {
			return b.bring(n.In, m)
		}
	case *Compute:
		it := itemOf(n.Items, m.col)
		if it == nil {
			return b.bring(n.In, m)
		}
		if under, ok := m.below(it.X); ok {
			return b.bring(n.In, under)
		}
	case *Join:
		return b.joinMember(n, m)
	case *Ref:
		return b.refMember(n, m)
	case *Union:
		return b.unionMember(n, m)
	}
	return nil
}

// itemOf is the item that computes a column, nil where the column comes from elsewhere.
func itemOf(items []Item, c *Column) *Item {
	for i := range items {
		if items[i].Col == c {
			return &items[i]
		}
	}
	return nil
}

func (b *binder) scanMember(n *Scan, m member) *Column {
	at := slices.Index(n.cols, m.col)
	if at < 0 || m.raw != (m.col.Type == schema.String) {
		return nil
	}
	for _, group := range n.members {
		if group.Column == n.Source[at] && slices.Contains(group.Keys, m.key) {
			c := b.memberColumn(group.Name(m.key))
			n.Stored = append(n.Stored, c)
			return c
		}
	}
	return nil
}

func (b *binder) memberColumn(name string) *Column {
	c := b.column(name, schema.String)
	c.Hidden = true
	return c
}

func (b *binder) joinMember(n *Join, m member) *Column {
	if of := copyOf(n.Copies, m.col); of != nil {
		m.col = of
	}
	for _, side := range []Node{n.L, n.R} {
		if c := b.bring(side, m); c != nil {
			copied := b.copyOf(c)
			n.Copies = append(n.Copies, Copy{copied, c})
			return copied
		}
	}
	return nil
}

// refMember does not look into what is materialized: such a table is the same for every query.
func (b *binder) refMember(n *Ref, m member) *Column {
	of := copyOf(n.Copies, m.col)
	if n.Shared.Keep || of == nil {
		return nil
	}
	m.col = of
	c := b.bring(n.Shared.Plan, m)
	if c == nil {
		return nil
	}
	copied := c
	if !n.Own {
		copied = b.copyOf(c)
	}
	n.Copies = append(n.Copies, Copy{copied, c})
	return copied
}

// unionMember needs the member in each input that has the column at all.
func (b *binder) unionMember(n *Union, m member) *Column {
	at := slices.Index(n.cols, m.col)
	if at < 0 {
		return nil
	}
	name := ""
	row := make([]Expr, len(n.Inputs))
	for i, in := range n.Inputs {
		switch x := n.Maps[i][at].(type) {
		case *Const: // the table has no such column
			row[i] = null(schema.String)
		case *Col:
			c := b.bring(in, member{x.C, m.raw, m.key})
			if c == nil {
				return nil
			}
			row[i], name = &Col{c}, c.Name
		default:
			return nil
		}
	}
	c := b.memberColumn(name)
	n.cols = append(slices.Clip(n.cols), c)
	for i := range n.Maps {
		n.Maps[i] = append(slices.Clip(n.Maps[i]), row[i])
	}
	return c
}
