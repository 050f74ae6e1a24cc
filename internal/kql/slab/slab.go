// Package slab owns the memory of what a compilation makes by the thousand: the nodes of a syntax tree, the expressions and
// columns of a plan. One allocation each was a third of the time that a query took to compile; here they are cut from blocks.
// What a block holds is freed together, when nothing of it is reached any more.
package slab

// A block holds from fewest to most values: a short query wastes little and a long one asks the allocator rarely.
const (
	fewest = 8
	most   = 128
)

// Of makes values of one type. The zero value is ready to use.
type Of[T any] struct{ block []T }

// New is a pointer to a value of its own that is equal to v.
func (s *Of[T]) New(v T) *T {
	if len(s.block) == cap(s.block) {
		s.block = make([]T, 0, s.next())
	}
	s.block = append(s.block, v)
	return &s.block[len(s.block)-1]
}

// List is a slice of its own that is equal to list; what is appended to it goes elsewhere. It is nil without elements.
func (s *Of[T]) List(list []T) []T {
	switch n := len(list); {
	case n == 0:
		return nil
	case n > most/4: // it would leave too much of the block in hand unused
		return append(make([]T, 0, n), list...)
	case n > cap(s.block)-len(s.block):
		s.block = make([]T, 0, max(s.next(), n))
	}
	from := len(s.block)
	s.block = append(s.block, list...)
	return s.block[from:len(s.block):len(s.block)]
}

// next is how many values the next block holds.
func (s *Of[T]) next() int { return min(max(2*cap(s.block), fewest), most) }
