package slab

import (
	"slices"
	"testing"
)

// TestApart makes values and lists one after another, changes and appends to each, and wants none to see another's change.
func TestApart(t *testing.T) {
	var s Of[int]
	var values []*int
	var lists [][]int
	for i := range 500 {
		values = append(values, s.New(i))
		list := make([]int, i%70)
		for j := range list {
			list[j] = i
		}
		lists = append(lists, s.List(list))
	}
	for i, v := range values {
		*v += 1000
		if grown := append(lists[i], -1); len(grown) != i%70+1 {
			t.Fatalf("list %d has %d elements", i, len(grown))
		}
	}
	for i, v := range values {
		if *v != i+1000 {
			t.Errorf("value %d is %d", i, *v)
		}
		if slices.ContainsFunc(lists[i], func(x int) bool { return x != i }) {
			t.Errorf("list %d is %v", i, lists[i])
		}
	}
	if s.List(nil) != nil {
		t.Error("a list of nothing is not nil")
	}
}
