package casefile

import (
	"errors"
	"reflect"
	"runtime"
	"unsafe"

	duckdb "github.com/duckdb/duckdb-go/v2"
)

// vector is the memory of one of DuckDB's vectors, which values are written to in place: the driver's writer crosses into C
// for each string and each null, which was half the time of loading a file.
type vector struct {
	values unsafe.Pointer
	valid  *[chunkSize / 64]uint64 // a bit for each row, set but where it is null
}

// The layout of a string in a vector: its length, then either all of it or its first bytes and its address.
// https://duckdb.org/docs/stable/clients/c/vector#duckdb_string_t
const (
	stringSize   = 16
	stringInline = 12
	stringData   = 4
	stringHead   = 4
	stringPlace  = 8
)

// vectorAt finds the memory of a vector that may be written to. The driver knows it and does not tell: the two fields are
// read by their names, so that a driver that keeps it otherwise is an error and not a crash.
func vectorAt(v duckdb.Vector) (vector, error) {
	inside := reflect.ValueOf(v).FieldByName("v")
	if inside.Kind() != reflect.Pointer || inside.IsNil() || inside.Elem().Kind() != reflect.Struct {
		return vector{}, errDriver
	}
	values, valid := inside.Elem().FieldByName("dataPtr"), inside.Elem().FieldByName("maskPtr")
	if values.Kind() != reflect.UnsafePointer || valid.Kind() != reflect.UnsafePointer || values.IsZero() || valid.IsZero() {
		return vector{}, errDriver
	}
	return vector{values.UnsafePointer(), (*[chunkSize / 64]uint64)(valid.UnsafePointer())}, nil
}

var errDriver = errors.New("this version of the DuckDB driver keeps its vectors otherwise than expected")

func (v *vector) setNull(row int) { v.valid[row/64] &^= 1 << (row % 64) }

func (v *vector) setLong(row int, n int64) { *(*int64)(unsafe.Add(v.values, row*8)) = n }

func (v *vector) setReal(row int, x float64) { *(*float64)(unsafe.Add(v.values, row*8)) = x }

func (v *vector) setBool(row int, b bool) { *(*bool)(unsafe.Add(v.values, row)) = b }

// setText writes text, which must be UTF-8. A long text is copied to the arena.
func (v *vector) setText(row int, text []byte, a *arena) {
	p := unsafe.Add(v.values, row*stringSize)
	if len(text) == 0 { // most columns of most exports
		*(*[stringSize]byte)(p) = [stringSize]byte{}
		return
	}
	*(*uint32)(p) = uint32(len(text))
	inside := (*[stringInline]byte)(unsafe.Add(p, stringData))
	if len(text) <= stringInline {
		*inside = [stringInline]byte{} // DuckDB compares all of it
		copy(inside[:], text)
		return
	}
	*(*[stringHead]byte)(inside[:]) = [stringHead]byte(text)
	*(*uintptr)(unsafe.Add(p, stringPlace)) = uintptr(unsafe.Pointer(unsafe.SliceData(a.hold(text))))
}

// setAsBefore writes the text of the row before.
func (v *vector) setAsBefore(row int) {
	p := unsafe.Add(v.values, row*stringSize)
	*(*[stringSize]byte)(p) = *(*[stringSize]byte)(unsafe.Add(p, -stringSize))
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
	if a.block == len(a.blocks) || a.used+len(text) > len(a.blocks[a.block]) {
		a.make(len(text))
	}
	to := a.blocks[a.block][a.used : a.used+len(text)]
	a.used += len(text)
	copy(to, text)
	return to
}

// make finds or makes a block with room for n bytes.
func (a *arena) make(n int) {
	for a.block < len(a.blocks) && a.used+n > len(a.blocks[a.block]) {
		a.block, a.used = a.block+1, 0
	}
	if a.block == len(a.blocks) {
		b := make([]byte, max(arenaBlock, n))
		a.pinner.Pin(unsafe.SliceData(b))
		a.blocks = append(a.blocks, b)
	}
}
