//! Pure mathematics of the mesh.
