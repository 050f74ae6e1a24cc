package casefile

import (
	"fmt"
	"runtime"
	"unsafe"

	duckdb "github.com/duckdb/duckdb-go/v2"
)

// The layout of a string in a DuckDB vector: its length, then either all of it or its first bytes and its address.
// https://duckdb.org/docs/stable/clients/c/vector#duckdb_string_t
const (
	stringSize   = 16
	stringInline = 12
	stringData   = 4
	stringHead   = 4
	stringPlace  = 8
)

// textVector writes the strings of one vector in place. The driver's writer crosses into C for each string; at sixty
// strings a row that was half the time of loading a file.
type textVector struct {
	writer duckdb.VectorWriter[string]
	base   unsafe.Pointer
}

// newTextVector finds the memory of a vector that has at least one row: a short string lies in the vector itself, and
// a view borrows it from there.
func newTextVector(v duckdb.Vector) (textVector, error) {
	w, err := duckdb.GetVectorWriter[string](v)
	if err != nil {
		return textVector{}, err
	}
	view, err := duckdb.GetVectorView[string](v)
	if err != nil {
		return textVector{}, err
	}
	const mark = "here"
	if err := w.Set(0, mark); err != nil {
		return textVector{}, err
	}
	at, ok, err := view.GetValueBorrowed(0)
	if err != nil || !ok || at != mark {
		return textVector{}, fmt.Errorf("the vector does not show what was written to it: %q, %w", at, err)
	}
	t := textVector{writer: w, base: unsafe.Add(unsafe.Pointer(unsafe.StringData(at)), -stringData)}
	if n := *(*uint32)(t.base); n != uint32(len(mark)) {
		return textVector{}, fmt.Errorf("strings of this DuckDB lie otherwise than expected: length %d", n)
	}
	return t, nil
}

// set writes text, which must be UTF-8, at row. A long text is copied to the arena.
func (t textVector) set(row int, text []byte, a *arena) {
	p := unsafe.Add(t.base, row*stringSize)
	*(*uint32)(p) = uint32(len(text))
	inside := (*[stringInline]byte)(unsafe.Add(p, stringData))
	if len(text) <= stringInline {
		*inside = [stringInline]byte{} // DuckDB compares all of it
		copy(inside[:], text)
		return
	}
	copy(inside[:stringHead], text)
	*(*uintptr)(unsafe.Add(p, stringPlace)) = uintptr(unsafe.Pointer(unsafe.SliceData(a.hold(text))))
}

// arena holds the long strings of one chunk: DuckDB reads them until it asks for the next chunk. Its memory is pinned,
// as memory must be that C keeps the address of.
type arena struct {
	pinner runtime.Pinner
	blocks [][]byte
	block  int
	used   int
}

const arenaBlock = 1 << 20

// reset gives all of the arena free again.
func (a *arena) reset() { a.block, a.used = 0, 0 }

// release ends the arena.
func (a *arena) release() {
	a.pinner.Unpin()
	a.blocks = nil
}

// hold copies text.
func (a *arena) hold(text []byte) []byte {
	for a.block < len(a.blocks) && a.used+len(text) > len(a.blocks[a.block]) {
		a.block, a.used = a.block+1, 0
	}
	if a.block == len(a.blocks) {
		b := make([]byte, max(arenaBlock, len(text)))
		a.pinner.Pin(unsafe.SliceData(b))
		a.blocks = append(a.blocks, b)
	}
	to := a.blocks[a.block][a.used : a.used+len(text)]
	a.used += len(text)
	copy(to, text)
	return to
}
